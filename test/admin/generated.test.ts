/**
 * What the served OpenAPI document is worth to a generator of clients: the types that command line, simulator and dashboard
 * ask with are made from it, and with them every operation can be used.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/temporary.ts';
import { startAdmin } from './api.ts';
import type { OpenApi } from './documented.ts';
import { USES } from './every-operation.ts';
import { generatedTypes } from './generated.ts';

const root = join(import.meta.dirname, '../..');

let document: OpenApi;
beforeEach(async () => {
  const bench = await startAdmin();
  document = (await bench.ask('GET', '//api/openapi.json')).body as OpenApi;
});

/** What the compiler of that package says to the use of every operation with these types. */
function compile(types: string, compiler: string): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'test/admin'), { recursive: true });
  mkdirSync(join(folder, 'schemas/api'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'schemas/api/paths.ts'), types);
  cpSync(join(root, 'test/admin/every-operation.ts'), join(folder, 'test/admin/every-operation.ts'));
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2022', 'dom'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['test'] }));
  const { name, bin } = JSON.parse(
    readFileSync(join(root, 'node_modules', compiler, 'package.json'), 'utf8'),
  );
  expect(name).toBe('typescript');
  const arguments_ = [join(root, 'node_modules', compiler, bin.tsc), '-p', folder];
  const { stdout, stderr } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' });
  return stdout + stderr;
}

describe('the types of the HTTP API', () => {
  it('are what a generator makes of the document that is served', async () => {
    await expect(await generatedTypes(document)).toMatchFileSnapshot('../../schemas/api/paths.ts');
  });

  it.each(['typescript', 'typescript5'])('let %s compile a use of every operation', async (compiler) => {
    expect(compile(await generatedTypes(document), compiler)).toBe('');
  });

  it('do not take just anything', async () => {
    const types = (await generatedTypes(document)).replaceAll('expiresIn?: number', 'expiresIn?: string');
    expect(compile(types, 'typescript')).toMatch(/every-operation\.ts.*error TS2322/);
  });
});

describe('every operation', () => {
  const operations = () => Object.values(document.paths).flatMap((methods) => Object.values(methods));

  it('has a name that is its own, begins with what it does, and stays', () => {
    const verbs =
      /^(list|get|put|replace|patch|send|cancel|cancelWaiting|forget|resume|create|rotate|revoke|log)[A-Z]\w+$/;
    const names = operations().map(({ operationId }) => operationId ?? '');
    expect(names.filter((name) => !verbs.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('is used, as a program with generated types would', () => {
    expect(
      operations()
        .map(({ operationId }) => operationId)
        .sort(),
    ).toEqual(Object.keys(USES).sort());
  });
});
