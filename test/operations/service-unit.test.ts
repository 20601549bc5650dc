/** The systemd unit as systemd itself judges it; it cannot be run here, since tests run in containers too. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { requires } from '../helpers/requires.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const UNIT = join(import.meta.dirname, '../../systemd/signalbox.service');
/** What a service that listens on the network and compiles code cannot go much below; 10 is naked. */
const EXPOSURE = 1.5;

function analyze(...args: string[]): { status: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync('/usr/bin/systemd-analyze', args, { encoding: 'utf8' });
  return { status, out: `${stdout}${stderr}` };
}

/** The unit with a program that is there, since `verify` looks for it. */
function unitWith(change: (text: string) => string): string {
  const file = join(temporaryFolder(), 'signalbox.service');
  writeFileSync(
    file,
    change(readFileSync(UNIT, 'utf8').replace('/opt/signalbox/bin/signalbox', '/bin/true')),
  );
  return file;
}

requires('systemd')('the systemd unit', () => {
  it('is taken without a complaint', () => {
    const verified = analyze(
      'verify',
      '--man=no',
      unitWith((text) => text),
    );
    expect(verified).toEqual({ status: 0, out: '' });
  });

  it('would be complained about if a setting were misspelt', () => {
    const { out } = analyze(
      'verify',
      '--man=no',
      unitWith((text) => text.replace('PrivateTmp=', 'PrivateTemp=')),
    );
    expect(out).toContain('PrivateTemp');
  });

  it(`is hardened: exposure at most ${EXPOSURE} of 10`, () => {
    const { status, out } = analyze('security', '--offline=true', `--threshold=${EXPOSURE * 10}`, UNIT);
    expect(status, out.trim().split('\n').at(-1)).toBe(0);
  });

  it('lets V8 compile, and tells the broker alone to stop', () => {
    const text = readFileSync(UNIT, 'utf8');
    expect(text).not.toMatch(/^MemoryDenyWriteExecute/m);
    expect(text).toMatch(/^KillMode=mixed$/m);
  });
});

it('never gives a box up: a start that is refused is tried again, not too often, but for a wrong configuration', () => {
  const text = readFileSync(UNIT, 'utf8');
  expect(text).toMatch(/^StartLimitIntervalSec=0$/m);
  expect(text).toMatch(/^Restart=always$/m);
  expect(text).toMatch(/^RestartPreventExitStatus=2$/m);
  expect(Number(/^RestartSec=(\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(5);
});
