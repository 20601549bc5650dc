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
  'GET /audit',
  'POST /commands',
  'DELETE /commands/{id}',
  'GET /commands/{id}',
  'DELETE /devices/{customer}/{device}/commands',
  'GET /devices/{customer}/{device}/commands',
  'POST /devices/{customer}/{device}/commands',
  'GET /devices/{customer}/{device}/desired',
  'PATCH /devices/{customer}/{device}/desired',
  'PUT /devices/{customer}/{device}/desired',
  'GET /jobs',
  'DELETE /jobs/{id}',
  'GET /jobs/{id}',
  'GET /jobs/{id}/devices',
  'POST /jobs/{id}/resume',
  'GET /customers',
  'GET /devices',
  'DELETE /devices/{customer}/{device}',
  'GET /devices/{customer}/{device}',
  'GET /devices/{customer}/{device}/state',
  'GET /keys',
  'POST /keys',
  'DELETE /keys/{id}',
  'POST /keys/{id}/rotate',
  'PUT /devices/{customer}/{device}',
  'DELETE /session',
  'GET /session',
  'POST /session',
  'GET /stats',
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
    const held = [
      ...names.map((name) => `#/components/schemas/${name}`),
      ...Object.keys(document.components.responses).map((name) => `#/components/responses/${name}`),
    ];
    expect([...wanted].filter((ref) => !held.includes(ref))).toEqual([]);
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
        for (const [, problem] of problems) {
          expect(problem).toMatchObject({
            $ref: expect.stringMatching(/^#\/components\/responses\/[A-Z]/),
            description: expect.stringMatching(/`[a-z-]+`: \w/),
          });
        }
      }
    }
  });
});

describe('what generators of clients read', () => {
  it('is where the operations are: below /api/v1 of the broker that the document is from', () => {
    expect(document.servers.map(({ url }) => url)).toEqual(['/api/v1']);
  });

  it('is a problem for each status, as a component', () => {
    const { responses } = document.components;
    expect(Object.keys(responses)).toEqual(
      expect.arrayContaining(['BadRequest', 'Unauthorized', 'NotFound', 'Conflict', 'TooManyRequests']),
    );
    for (const { content } of Object.values(responses)) {
      expect(content).toEqual({
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      });
    }
  });

  it('has no default in a body, which they would take for a member that must be there', () => {
    const bodies = Object.entries(document.components.schemas).filter(
      ([, schema]) => schema.additionalProperties === false,
    );
    expect(bodies.length).toBeGreaterThan(4);
    expect(bodies.filter(([, schema]) => JSON.stringify(schema).includes('"default":'))).toEqual([]);
  });

  it('says that a free document may have any members, since they take none otherwise', () => {
    const { DesiredValues, DesiredPatch } = document.components.schemas;
    expect(DesiredValues?.additionalProperties).toBe(true);
    expect(DesiredPatch?.additionalProperties).toBe(true);
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
