import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '../../dist/broker/cli/main.js');

/** Runs the built command in a process that says it is this version of Node. */
function signalboxOn(version: string, ...args: string[]) {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;
  const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
  return spawnSync(process.execPath, ['--import', preload, MAIN, ...args], { encoding: 'utf8' });
}

describe('signalbox on a Node that is too old', () => {
  it.each(['18.20.4', '20.20.2', '22.13.1'])('says what it needs and exits 2: %s', (version) => {
    const { status, stdout, stderr } = signalboxOn(version, 'serve');
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: `Signalbox needs Node 22.14 or newer; this is Node ${version}. Install a newer one, or put it first on the PATH.\n`,
    });
  });

  it.each(['22.14.0', '24.0.0', '26.1.0'])('runs on %s', (version) => {
    expect(signalboxOn(version, '--version')).toMatchObject({ status: 0, stderr: '' });
  });
});
