/**
 * Suites that need a Debian package: `requires('strace')('the writer', () => …)` describes them where the package is, and
 * else shows them as skipped, with the package's name. The packages are those that test/prepare.mjs installs.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';

interface DebianPackage {
  readonly name: string;
  readonly file: string;
}

const file = join(import.meta.dirname, '../debian-packages.json');
const PACKAGES = JSON.parse(readFileSync(file, 'utf8')) as readonly DebianPackage[];

function isMissing(name: string): boolean {
  const known = PACKAGES.find((candidate) => candidate.name === name);
  if (!known) throw new Error(`${name} is not in test/debian-packages.json, so nobody installs it`);
  return !existsSync(known.file);
}

export function requires(...names: string[]): (title: string, body: () => void) => void {
  const missing = names.filter(isMissing);
  const title = (text: string) => (missing.length === 0 ? text : `${text} (needs ${missing.join(', ')})`);
  return (text, body) => describe.runIf(missing.length === 0)(title(text), body);
}
