import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureAdminKey } from '../../broker/hub/keys/bootstrap.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { ringWorld } from './ring.ts';

describe('the first start', () => {
  it('leaves an admin key in the data folder that only its owner may read', async () => {
    const world = await ringWorld();
    const folder = join(temporaryFolder(), 'data');
    const path = await ensureAdminKey(world.keys, folder);
    expect(path).toBe(join(folder, 'admin.key'));
    expect(statSync(join(folder, 'admin.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['admin.key']);
    const text = readFileSync(join(folder, 'admin.key'), 'utf8');
    expect(world.keys.authenticate(text.trim())).toMatchObject({ role: 'admin', customer: '*' });
  });

  it('happens once: a file that was moved away does not come back', async () => {
    const world = await ringWorld();
    const folder = temporaryFolder();
    await ensureAdminKey(world.keys, folder);
    const key = readFileSync(join(folder, 'admin.key'), 'utf8').trim();
    rmSync(join(folder, 'admin.key'));
    await world.restart();
    expect(await ensureAdminKey(world.keys, folder)).toBeNull();
    expect(existsSync(join(folder, 'admin.key'))).toBe(false);
    expect(world.keys.authenticate(key)).not.toBeNull();
  });

  it('happens again after a crash before the key was stored, or when every admin key is revoked', async () => {
    const world = await ringWorld();
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'admin.key'), 'sbx_of-a-start-that-crashed\n');
    writeFileSync(join(folder, 'admin.key.new'), 'half', { mode: 0o644 });
    await ensureAdminKey(world.keys, folder);
    const first = readFileSync(join(folder, 'admin.key'), 'utf8').trim();
    expect(statSync(join(folder, 'admin.key')).mode & 0o777).toBe(0o600);
    const row = world.keys.authenticate(first);
    await world.keys.revoke(row?.id ?? '');
    await ensureAdminKey(world.keys, folder);
    const second = readFileSync(join(folder, 'admin.key'), 'utf8').trim();
    expect(world.keys.authenticate(second)?.role).toBe('admin');
  });

  it('stores no key if the file cannot be written, so that nobody is locked out', async () => {
    const world = await ringWorld();
    const folder = temporaryFolder();
    const blocked = join(folder, 'a-file');
    writeFileSync(blocked, '');
    await expect(ensureAdminKey(world.keys, blocked)).rejects.toThrow('a-file');
    expect(await world.database.loadKeys()).toEqual([]);
  });
});
