/** The API's description, for programs that generate clients and for people. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AdminBench, startAdmin } from './api.ts';
import type { OpenApi } from './documented.ts';

let bench: AdminBench;
let document: OpenApi;
beforeEach(async () => {
  bench = await startAdmin();
  document = (await bench.ask('GET', '//api/openapi.json')).body as OpenApi;
});

const OPERATIONS = [
  'GET /api/v1/audit',
  'POST /api/v1/commands',
  'DELETE /api/v1/commands/{id}',
  'GET /api/v1/commands/{id}',
  'DELETE /api/v1/devices/{customer}/{device}/commands',
  'GET /api/v1/devices/{customer}/{device}/commands',
  'POST /api/v1/devices/{customer}/{device}/commands',
  'GET /api/v1/devices/{customer}/{device}/desired',
  'PATCH /api/v1/devices/{customer}/{device}/desired',
  'PUT /api/v1/devices/{customer}/{device}/desired',
  'GET /api/v1/jobs',
  'DELETE /api/v1/jobs/{id}',
  'GET /api/v1/jobs/{id}',
  'GET /api/v1/jobs/{id}/devices',
  'POST /api/v1/jobs/{id}/resume',
  'GET /api/v1/customers',
  'GET /api/v1/devices',
  'DELETE /api/v1/devices/{customer}/{device}',
  'GET /api/v1/devices/{customer}/{device}',
  'GET /api/v1/devices/{customer}/{device}/state',
  'GET /api/v1/keys',
  'POST /api/v1/keys',
  'DELETE /api/v1/keys/{id}',
  'POST /api/v1/keys/{id}/rotate',
  'PUT /api/v1/devices/{customer}/{device}',
  'DELETE /api/v1/session',
  'GET /api/v1/session',
  'POST /api/v1/session',
  'GET /api/v1/stats',
];

/** Every object in the document that is a `$ref`. */
function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = '$ref' in value ? [String(value.$ref)] : [];
  return [...own, ...Object.values(value).flatMap(references)];
}

describe('the OpenAPI document', () => {
  it('is of version 3.1 and lists every operation, each with what it is for', () => {
    expect(document.openapi).toBe('3.1.0');
    const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { summary }]) => {
        expect(summary, path).toMatch(/\w/);
        return `${method.toUpperCase()} ${path}`;
      }),
    );
    expect(listed.sort()).toEqual([...OPERATIONS].sort());
  });

  it('refers only to schemas that it holds, by their names', () => {
    const names = Object.keys(document.components.schemas);
    expect(names).toEqual(
      expect.arrayContaining(['Device', 'DeviceList', 'Key', 'Problem', 'State', 'Stats']),
    );
    const wanted = new Set(references(document));
    expect(wanted.size).toBeGreaterThan(10);
    expect([...wanted].filter((ref) => !names.includes(ref.replace('#/components/schemas/', '')))).toEqual(
      [],
    );
  });

  it('holds schemas that are JSON Schema 2020-12', () => {
    const ajv = new Ajv2020();
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      expect(ajv.validateSchema(schema), `${name}: ${ajv.errorsText()}`).toBe(true);
    }
  });

  it('says for every operation how to show a key, and what its problems look like', () => {
    expect(Object.keys(document.components.securitySchemes)).toEqual(['bearer', 'header', 'cookie']);
    for (const methods of Object.values(document.paths)) {
      for (const { responses } of Object.values(methods)) {
        const problems = Object.entries(responses).filter(([status]) => Number(status) >= 400);
        expect(problems.length).toBeGreaterThanOrEqual(5);
        for (const [, { content }] of problems) {
          expect(content).toEqual({
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
          });
        }
      }
    }
  });
});

describe('the readable page', () => {
  it('loads everything from the broker itself', async () => {
    const page = await bench.send('GET', '/api/docs', {});
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self';");
    const html = page.body as string;
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, path]) => new URL(path ?? '', `http://${bench.host}/api/docs`),
    );
    expect(assets.length).toBeGreaterThan(3);
    for (const { pathname } of assets)
      expect([pathname, (await bench.send('GET', pathname, {})).status]).toEqual([pathname, 200]);
  });

  it('asks nobody whether the document is valid', async () => {
    const { body } = await bench.send('GET', '/api/docs/static/swagger-initializer.js', {});
    expect(body).toContain('"validatorUrl":null');
  });
});
