#!/usr/bin/env node
/**
 * Starts `signalbox`, after a look whether this Node can run it, before anything that needs a newer one is loaded.
 * Without that, an older Node ends in the middle of a native module, and says nothing that helps.
 */
import { readFileSync } from 'node:fs';

/** The oldest Node of the manifest's `engines`, such as `22.14`. */
function oldestNode(): string {
  const up = import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json';
  const manifest = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
    engines: { node: string };
  };
  return manifest.engines.node.replace('>=', '');
}

function isOlder(version: string, oldest: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest.split('.').map(Number);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

const oldest = oldestNode();
const { node } = process.versions;
if (isOlder(node, oldest)) {
  console.error(
    `Signalbox needs Node ${oldest} or newer; this is Node ${node}. Install a newer one, or put it first on the PATH.`,
  );
  process.exitCode = 2;
} else {
  const { runProcess } = await import('./commands.ts');
  await runProcess();
}
