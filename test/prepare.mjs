// `npm test` begins here: installs the Debian packages that the suites need, where it may (root, apt-get), and otherwise
// says in one line what to install and what is skipped. Never fails the run: suites without their package skip
// themselves (helpers/requires.ts). What a package is needed for, and the file that proves it, is in debian-packages.json.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const PACKAGES = JSON.parse(readFileSync(new URL('debian-packages.json', import.meta.url), 'utf8'));
const APT = '/usr/bin/apt-get';

const missing = () => PACKAGES.filter(({ file }) => !existsSync(file));

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stderr } = spawnSync(APT, ['-q', '-y', ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) console.error(`apt-get ${args.join(' ')}: ${stderr.trim()}`);
  return status === 0;
}

function install(names) {
  console.log(`Installing ${names.join(' ')} ...`);
  // One by one after a failure: a package that this release does not have must not keep the others away.
  if (!apt('update') || apt('install', '--no-install-recommends', ...names)) return;
  for (const name of names) apt('install', '--no-install-recommends', name);
}

const names = (packages) => packages.map(({ name }) => name);

if (missing().length > 0 && process.getuid?.() === 0 && existsSync(APT)) install(names(missing()));
const left = missing();
if (left.length > 0) {
  const skipped = [...new Set(left.map(({ suites }) => suites))].join(', ');
  console.log(`Skipped: ${skipped}. To run them: apt-get install ${names(left).join(' ')}`);
}
