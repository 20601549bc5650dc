/**
 * The shape of the code (CONTRIBUTING.md): imports go from higher rank to lower, no cycles (types counted), no file
 * over 400 lines. The import lists come from the TypeScript sources themselves.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const GENERATED = ['schemas/json', 'schemas/api/paths.ts'];
const FOLDERS = ['broker', 'client', 'device-sim', 'schemas', 'dashboard', 'test', 'bench', 'systemd'];

/** Everything below a room of this rank, from the ground up. */
const UP_TO_WIRE = ['broker/base', 'broker/wire', 'broker/config', 'schemas'];
const UP_TO_STORE = [...UP_TO_WIRE, 'broker/store'];
const UP_TO_ACCESS = [...UP_TO_STORE, 'broker/access'];
const UP_TO_HUB = [...UP_TO_ACCESS, 'broker/hub'];
const UP_TO_SESSIONS = [...UP_TO_HUB, 'broker/session', 'broker/live'];
const UP_TO_EDGE = [...UP_TO_SESSIONS, 'broker/edge', 'broker/admin', 'broker/bridge'];

/** Room → the rooms that it may import besides itself. `schemas` is data that every room may read. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'broker/base': [],
  schemas: [],
  'broker/wire': ['broker/base', 'schemas'],
  'broker/config': ['broker/base', 'schemas'],
  'broker/store': UP_TO_WIRE,
  'broker/access': UP_TO_STORE,
  'broker/hub': UP_TO_ACCESS,
  'broker/session': UP_TO_HUB,
  'broker/live': UP_TO_HUB,
  'broker/edge': UP_TO_SESSIONS,
  'broker/admin': UP_TO_SESSIONS,
  'broker/bridge': UP_TO_SESSIONS,
  'broker/compose': UP_TO_EDGE,
  'broker/broker': [...UP_TO_EDGE, 'broker/compose'],
  'broker/main': [...UP_TO_EDGE, 'broker/compose', 'broker/broker'],
  'broker/cli': [...UP_TO_ACCESS, 'broker/broker', 'broker/main', 'client', 'device-sim'],
  client: ['broker/base', 'broker/wire', 'schemas'],
  'device-sim': ['broker/base', 'client', 'broker/wire', 'schemas'],
  dashboard: ['broker/wire', 'schemas'],
};

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|css|html|py|sql)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !GENERATED.some((generated) => file.startsWith(generated)));
}

const files = FOLDERS.flatMap(sources);
const code = files.filter((file) => file.endsWith('.ts') && !/^(test|bench)\//.test(file));

/** As they are written: relative, of Node, or of a package. */
function modules(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}

function imports(file: string): string[] {
  return modules(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => relative(root, join(root, dirname(file), name)));
}

/** `broker/store/log/x.ts` → `broker/store`; `broker/config/config.ts` → `broker/config`; `client/x.ts` → `client`. */
function room(file: string): string {
  const parts = file.replace(/\.(ts|css)$/, '').split('/');
  return parts[0] === 'broker' ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

function cycleFrom(start: string, graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const path: string[] = [];
  const done = new Set<string>();
  const visit = (file: string): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle) return cycle;
    }
    path.pop();
    done.add(file);
    return null;
  };
  return visit(start);
}

describe('the architecture', () => {
  it('lets a file import only from a lower rank or from its own room', () => {
    const upward = code.flatMap((file) =>
      imports(file)
        .filter((target) => room(target) !== room(file))
        .filter((target) => !MAY_IMPORT[room(file)]?.includes(room(target)))
        .map((target) => `${file} -> ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it('knows every room, so that a new one is ranked before it is used', () => {
    const unknown = new Set(code.map(room).filter((name) => !(name in MAY_IMPORT)));
    expect([...unknown]).toEqual([]);
  });

  it('keeps in base only what two other rooms use', () => {
    const outside = code.filter((file) => room(file) !== 'broker/base');
    const users = (entry: string) =>
      new Set(outside.filter((file) => imports(file).includes(entry)).map(room));
    const single = code
      .filter((file) => room(file) === 'broker/base' && users(file).size < 2)
      .map((file) => `${file}: ${[...users(file)].join(', ') || 'nobody'}`);
    expect(single).toEqual([]);
  });

  it('lets base import nothing but Node and itself', () => {
    const foreign = code
      .filter((file) => room(file) === 'broker/base')
      .flatMap((file) => modules(file).map((name) => `${file} -> ${name}`))
      .filter((line) => !/ -> (node:|\.\/)/.test(line));
    expect(foreign).toEqual([]);
  });

  it('has no import cycle, types counted', () => {
    const graph = new Map(code.map((file) => [file, imports(file)]));
    const cycles = code.map((file) => cycleFrom(file, graph)).filter((cycle) => cycle !== null);
    expect(cycles[0]?.join(' -> ') ?? 'none').toBe('none');
  });

  it('has no file over 400 lines', () => {
    const long = files
      .map((file) => `${file}: ${readFileSync(join(root, file), 'utf8').split('\n').length - 1}`)
      .filter((line) => Number(line.split(': ')[1]) > 400);
    expect(long).toEqual([]);
  });

  it('asks the table of roles who may do what, and compares no role with one, so that a new role opens nothing', () => {
    const compared = code.filter((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return /\b[rR]ole\s*[!=]==?|[!=]==?\s*(\w+\.)*[rR]ole\b|case '(device|viewer|operator|admin)'/.test(
        text,
      );
    });
    expect(compared).toEqual([]);
  });

  it('gives a type one name in the whole product, so that a search for it finds one thing', () => {
    const places = new Map<string, string[]>();
    for (const file of code) {
      const text = readFileSync(join(root, file), 'utf8');
      for (const [, name = ''] of text.matchAll(
        /^(?:export )?(?:abstract )?(?:class|interface|type) (\w+)/gm,
      )) {
        places.set(name, [...(places.get(name) ?? []), file]);
      }
    }
    const shared = [...places].filter(([, found]) => new Set(found).size > 1).map(([name]) => name);
    expect(shared).toEqual([]);
  });

  it('has every file and folder that CONTRIBUTING.md sends a newcomer to', () => {
    const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
    const named = [...page.matchAll(/`((?:broker|client|schemas|docs|test|device-sim)\/[\w./-]*)`/g)].map(
      ([, path]) => path ?? '',
    );
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
