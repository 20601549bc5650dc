// Builds what is shipped into dist/: the compiled code, the SQL beside the code that reads it, the JSON Schema
// files for other languages (into schemas/json, which is committed), the dashboard, and the package of the device library.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const run = (name, ...args) => execFileSync(bin(name), args, { cwd: root, stdio: 'inherit' });

rmSync(join(root, 'dist'), { recursive: true, force: true });
run('tsc', '-p', 'tsconfig.json');
cpSync(join(root, 'schemas/sql'), join(root, 'dist/schemas/sql'), { recursive: true });
const emit = join(root, 'dist/schemas/emit.js');
if (existsSync(emit))
  await (await import(pathToFileURL(emit).href)).emitJsonSchemas(join(root, 'schemas/json'));
if (existsSync(join(root, 'dashboard/vite.config.ts'))) {
  run('vite', 'build', '--config', 'dashboard/vite.config.ts', '--logLevel', 'warn');
}
await import('../client/package.mjs');
