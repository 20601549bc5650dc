/** The real time, randomness and ids, handed to every part by the root. Nothing else calls these globals. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Clock, Random } from './base/clock.ts';
import { systemTimers } from './base/system-timers.ts';

export interface Environment {
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly sessionId: () => string;
  /** Of commands and jobs: not to be guessed, and short enough to be typed. */
  readonly commandId: () => string;
  /** The most files, connections included, that the process may have open; null: not known. */
  readonly openFiles: number | null;
  /** The package's version. */
  readonly version: string;
}

const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  ...systemTimers,
};

export const systemEnvironment: Environment = {
  clock: systemClock,
  random: () => Math.random(),
  randomBytes: (count) => randomBytes(count),
  sessionId: () => randomBytes(9).toString('base64url'),
  commandId: () => randomBytes(12).toString('base64url'),
  openFiles: openFilesLimit(),
  version: packageVersion(),
};

/** The soft limit, which Node raises to the hard one at its start. Linux only. */
function openFilesLimit(): number | null {
  if (!existsSync('/proc/self/limits')) return null;
  const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? null : Number(limit);
}

function packageVersion(): string {
  const up = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const manifest = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
