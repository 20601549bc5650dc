/** The real time, randomness and ids, handed to every part by the root. Nothing else calls these globals. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock, Random, Timer } from './wire/environment.ts';

export interface Environment {
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly sessionId: () => string;
  /** Of commands and jobs: not to be guessed, and short enough to be typed. */
  readonly commandId: () => string;
  /** The package's version. */
  readonly version: string;
}

const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (milliseconds, run) => cancelled(setTimeout(run, milliseconds)),
  every: (milliseconds, run) => {
    const timer = setInterval(run, milliseconds);
    return { cancel: () => clearInterval(timer) };
  },
};

export const systemEnvironment: Environment = {
  clock: systemClock,
  random: () => Math.random(),
  randomBytes: (count) => randomBytes(count),
  sessionId: () => randomBytes(9).toString('base64url'),
  commandId: () => randomBytes(12).toString('base64url'),
  version: packageVersion(),
};

function cancelled(timer: NodeJS.Timeout): Timer {
  return { cancel: () => clearTimeout(timer) };
}

function packageVersion(): string {
  const up = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const manifest = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
