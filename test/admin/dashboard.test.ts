/** The page that operators open. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/temporary.ts';
import { startAdmin } from './api.ts';

function builtDashboard(): string {
  const folder = join(temporaryFolder(), 'dashboard');
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Fleet</title>');
  writeFileSync(join(folder, 'assets', 'index-3f2a.js'), 'export {};');
  writeFileSync(join(folder, '..', 'admin.key'), 'sbx_secret');
  return folder;
}

describe('the dashboard', () => {
  it('is served at / and asked for again each time', async () => {
    const bench = await startAdmin({ dashboardFolder: builtDashboard() });
    const { status, headers, body } = await bench.send('GET', '/', {});
    expect([status, body]).toEqual([200, '<!doctype html><title>Fleet</title>']);
    expect(headers.get('content-type')).toMatch(/^text\/html/);
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(headers.get('etag')).toMatch(/\w/);
    expect(headers.get('content-security-policy')).toContain("script-src 'self'; style-src 'self'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('has assets that browsers keep, since a hash is in their names', async () => {
    const bench = await startAdmin({ dashboardFolder: builtDashboard() });
    const { status, headers } = await bench.send('GET', '/assets/index-3f2a.js', {});
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    expect(headers.get('content-type')).toMatch(/javascript/);
  });

  it.each(['/../admin.key', '/%2e%2e/admin.key', '/assets/..%2f..%2fadmin.key', '/assets/none.js', '/.env'])(
    'serves nothing but its own files: %s',
    async (path) => {
      const bench = await startAdmin({ dashboardFolder: builtDashboard() });
      expect([400, 404]).toContain((await bench.ask('GET', `/${path}`)).status);
    },
  );

  it.each([null, '/nowhere/dashboard'])(
    'says how to build it where it is missing: %s',
    async (dashboardFolder) => {
      const bench = await startAdmin({ dashboardFolder });
      const { status, body } = await bench.send('GET', '/', {});
      expect(status).toBe(200);
      expect(body).toContain('npm run build');
    },
  );
});
