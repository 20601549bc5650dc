// Makes the npm package signalbox-client in dist/signalbox-client out of what tsc left in dist: one CommonJS file, which the
// ES module hands on, so that both are the same classes; its types in one file; ws beside it, as `bundleDependencies` wants
// it. cbor-x and ajv are in that one file (docs/decisions). Run by schemas/build.mjs.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { rolledTypes } from './rolled-types.mjs';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'dist/signalbox-client');
const MANIFEST = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'));

/** The schemas as the data that they are: what builds them need not be in the package. */
const schemasAsData = {
  name: 'schemas-as-data',
  async load(id) {
    if (id !== join(root, 'schemas/frames.ts')) return null;
    const schemas = await import(pathToFileURL(join(root, 'dist/schemas/frames.js')).href);
    return Object.entries(schemas)
      .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)
      .join('\n');
  },
};

const [{ output }] = [
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    plugins: [schemasAsData],
    // Without what cbor-x has for Node, which looks for a native addition.
    resolve: { alias: { 'cbor-x': join(root, 'node_modules/cbor-x/index.js') } },
    ssr: { noExternal: true, external: Object.keys(MANIFEST.dependencies) },
    build: {
      ssr: join(import.meta.dirname, 'index.ts'),
      target: 'node22',
      minify: false,
      outDir: folder,
      license: { fileName: 'LICENSES.md' },
      rolldownOptions: { output: { format: 'cjs', entryFileNames: 'index.cjs' } },
    },
  }),
];
const [{ exports }] = output;
writeFileSync(join(folder, 'index.js'), `export { ${exports.join(', ')} } from './index.cjs';\n`);

const types = rolledTypes(join(root, 'dist/client/index.d.ts'));
for (const ending of ['d.ts', 'd.cts']) writeFileSync(join(folder, `index.${ending}`), types);

for (const file of ['package.json', 'README.md']) cpSync(join(import.meta.dirname, file), join(folder, file));
cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
for (const name of MANIFEST.bundleDependencies)
  cpSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
