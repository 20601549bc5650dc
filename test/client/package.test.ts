/** The package signalbox-client as `npm run build` left it: what is in it, and that code of both kinds can use it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FRAME } from '../../broker/wire/frames.ts';
import * as client from '../../client/index.ts';
import { fakeBroker } from '../helpers/fake-broker.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const root = join(import.meta.dirname, '../..');
const built = join(root, 'dist/signalbox-client');
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const manifest = json(join(built, 'package.json'));
const values = Object.keys(client).sort();

/** A project of a user, who has nothing but this package. */
function project(): string {
  const folder = temporaryFolder();
  cpSync(built, join(folder, 'node_modules/signalbox-client'), { recursive: true });
  return folder;
}

function run(folder: string, name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return execFileSync(process.execPath, [name], { cwd: folder, encoding: 'utf8' });
}

describe('the package of the client', () => {
  it('holds the client, its types and ws, and no code that runs at the installation', () => {
    const [{ files }] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--silent'], { cwd: built, encoding: 'utf8' }),
    );
    const paths: string[] = files.map(({ path }: { readonly path: string }) => path);
    const own = paths.filter((path) => !path.startsWith('node_modules/ws/'));
    expect(own.sort()).toEqual([
      'LICENSE',
      'LICENSES.md',
      'README.md',
      'index.cjs',
      'index.d.cts',
      'index.d.ts',
      'index.js',
      'package.json',
    ]);
    expect(paths).toContain('node_modules/ws/package.json');
    expect(manifest.scripts).toBeUndefined();
  });

  it('is of the same version as the broker, and takes ws as the broker does', () => {
    const { version, engines, dependencies } = json(join(root, 'package.json'));
    expect(manifest).toMatchObject({ version, engines, dependencies: { ws: dependencies.ws } });
    expect(manifest.bundleDependencies).toEqual(Object.keys(manifest.dependencies));
  });

  it('needs no package but ws, and looks for none', () => {
    const needed = [...readFileSync(join(built, 'index.cjs'), 'utf8').matchAll(/= require\("([^"]+)"\)/g)];
    const foreign = needed.map(([, name]) => name).filter((name) => !name?.startsWith('node:'));
    expect(foreign).toEqual(['ws']);
    expect(readFileSync(join(built, 'index.cjs'), 'utf8')).not.toContain('cbor-extract');
  });

  it('names the licence of everything that is in its one file', () => {
    const licences = readFileSync(join(built, 'LICENSES.md'), 'utf8');
    for (const name of ['ajv', 'cbor-x', 'fast-deep-equal', 'fast-uri', 'json-schema-traverse'])
      expect(licences).toMatch(new RegExp(`^## ${name} - `, 'm'));
  });

  it('gives import and require the same classes', () => {
    const folder = project();
    const names = `Object.keys(client).filter((name) => !/^(default|module\\.exports)$/.test(name)).sort().join()`;
    expect(
      run(folder, 'a.mjs', `import * as client from 'signalbox-client'; console.log(${names});`).trim(),
    ).toBe(values.join());
    expect(
      run(folder, 'a.cjs', `const client = require('signalbox-client'); console.log(${names});`).trim(),
    ).toBe(values.join());
    const both = `import { createRequire } from 'node:module'; import { FrameError } from 'signalbox-client';
      console.log(createRequire(import.meta.url)('signalbox-client').FrameError === FrameError);`;
    expect(run(folder, 'b.mjs', both).trim()).toBe('true');
  });
});

describe('the device that', () => {
  it.each([
    ['README.md', join(root, 'README.md')],
    ['client/README.md', join(root, 'client/README.md')],
  ])('%s shows sends, executes and stops', async (_name, page) => {
    const broker = await fakeBroker();
    const folder = project();
    const [, text = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync(page, 'utf8')) ?? [];
    expect(text).toContain('ws://127.0.0.1:8080');
    writeFileSync(join(folder, 'device.mjs'), text.replace('ws://127.0.0.1:8080', broker.url));
    const child = spawn(process.execPath, ['device.mjs'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const session = await broker.next();
    await session.greet();
    const first = await session.data();
    expect(first).toMatchObject({ seq: 1, names: ['temp'], values: [21.5] });
    session.ack(1);
    if (text.includes('durable')) expect(String((await once(child.stdout, 'data'))[0])).toBe('durable\n');
    session.command('c-1', 'set-speed', 1450);
    const frames = [];
    while (frames.length < 2) {
      const frame = await session.frames.next();
      if (frame.kind === FRAME.result) frames.push(frame);
    }
    expect(frames).toMatchObject([
      { id: 'c-1', status: 1 },
      { id: 'c-1', status: 3, data: { rpm: 1450 } },
    ]);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    if (text.includes('SIGTERM')) expect([code, await session.closed]).toEqual([0, 1000]);
  });
});

describe('its types', () => {
  const use = readFileSync(join(import.meta.dirname, 'package-use.ts'), 'utf8');
  const settings = {
    node16: { module: 'node16', files: ['use.mts', 'use.cts'] },
    nodenext: { module: 'nodenext', files: ['use.mts', 'use.cts'] },
    bundler: { module: 'esnext', files: ['use.ts'] },
  };

  it('are tried in full: the use names every export', () => {
    const lists = [
      ...readFileSync(join(built, 'index.d.ts'), 'utf8').matchAll(/^export (?:type )?\{(.*)\};$/gm),
    ];
    const names = lists.flatMap(([, list = '']) => list.replaceAll(/\btype\b/g, '').match(/\w+/g) ?? []);
    expect(names).toEqual(expect.arrayContaining(values));
    expect(names.filter((name) => !new RegExp(`\\b${name},`).test(use))).toEqual([]);
  });

  it('point to no other file, and to nothing that a user may not have', () => {
    for (const file of readdirSync(built).filter((name) => /\.d\.c?ts$/.test(name)))
      expect(readFileSync(join(built, file), 'utf8')).not.toMatch(
        /\bimport\b|\bfrom '|<reference|\bBuffer\b|NodeJS/,
      );
  });

  describe.each([
    ['5', 'typescript5'],
    ['7', 'typescript'],
  ])('under TypeScript %s', (version, folderOfCompiler) => {
    const compiler = join(root, 'node_modules', folderOfCompiler);

    it('is that version', () => {
      expect(json(join(compiler, 'package.json')).version).toMatch(new RegExp(`^${version}\\.`));
    });

    it.each(Object.entries(settings))(
      'stand in strict code with moduleResolution %s',
      (name, { module, files }) => {
        const folder = project();
        for (const file of files) writeFileSync(join(folder, file), use);
        const compilerOptions = {
          module,
          moduleResolution: name,
          target: 'es2022',
          lib: ['es2022'],
          types: [],
          strict: true,
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
          skipLibCheck: false,
          noEmit: true,
        };
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
        const said = compile(compiler, folder);
        expect(said).toBe('');
      },
    );
  });
});

/** What the compiler complains of. */
function compile(compiler: string, folder: string): string {
  const { bin } = json(join(compiler, 'package.json'));
  try {
    return execFileSync(process.execPath, [join(compiler, bin.tsc), '-p', folder], { encoding: 'utf8' });
  } catch (error) {
    return (error as { readonly stdout: string }).stdout;
  }
}
