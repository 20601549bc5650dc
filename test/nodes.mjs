// Before a release: the whole suite with other versions of Node than the one at hand, each in a copy of the checkout.
//   node test/nodes.mjs                   22, 24 and 26
//   node test/nodes.mjs 26 -- store/      one of them, and only what vitest finds under a name
// The versions come as npm packages. Each then starts and uses the packed package too.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const CHECKOUT = join(import.meta.dirname, '..');
const VITEST = 'node_modules/vitest/vitest.mjs';
const LEFT_OUT = new Set(['.git', 'node_modules', 'dist', 'data'].map((name) => join(CHECKOUT, name)));

function run(folder, env, command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: folder, env, stdio: 'inherit' });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `exit code ${status}`}`);
}

/** Environment in which `node`, and npm with it, is the given version. */
function installNode(folder, version) {
  const packaged = `node${version}@npm:node-${process.platform}-${process.arch}@${version}`;
  run(
    folder,
    process.env,
    'npm',
    'install',
    '--silent',
    '--no-save',
    '--ignore-scripts',
    '--prefix',
    '.',
    packaged,
  );
  const home = join(folder, 'node_modules', `node${version}`);
  const path = `${join(home, 'bin')}${delimiter}${process.env.PATH}`;
  return { ...process.env, PATH: path };
}

function testWith(version, filters) {
  const folder = mkdtempSync(join(tmpdir(), `signalbox-node${version}-`));
  try {
    const env = installNode(mkdtempSync(join(folder, 'node-')), version);
    const copy = join(folder, 'checkout');
    cpSync(CHECKOUT, copy, { recursive: true, filter: (source) => !LEFT_OUT.has(source) });
    run(copy, env, 'npm', 'ci', '--silent', '--no-audit', '--no-fund');
    run(copy, env, 'npm', 'run', '--silent', 'build');
    // Not by npx or an npm script: those put the checkout's own Node first on the path.
    run(copy, env, 'node', '--version');
    run(copy, env, 'node', VITEST, 'run', '--config', 'test/vitest.config.ts', ...filters);
    run(copy, env, 'sh', 'test/packed-smoke.sh');
    return null;
  } catch (error) {
    return error.message;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const args = process.argv.slice(2);
const end = args.includes('--') ? args.indexOf('--') : args.length;
const versions = end > 0 ? args.slice(0, end) : ['22', '24', '26'];
const results = versions.map((version) => ({ version, failure: testWith(version, args.slice(end + 1)) }));
for (const { version, failure } of results) console.log(`Node ${version}: ${failure ?? 'OK'}`);
process.exitCode = results.some(({ failure }) => failure) ? 1 : 0;
