/**
 * Which clock is read where. The machine's time comes from the environment, waits go by the monotonic clock, and no test
 * depends on how fast the machine is.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Where the globals themselves may be read, and why. */
const READS_GLOBALS: readonly string[] = [
  'broker/base/system-timers.ts',
  'broker/main.ts',
  'client/system-clock.ts',
  // A thread has an environment of its own.
  'broker/bridge/thread/worker.ts',
];
/** People's programs: they show how old things are. */
const FOR_PEOPLE = /^(broker\/cli|dashboard)\//;

/** Where the wall clock is compared or reckoned with: a time that a person gave, or one that was stored. */
const RECKONS_WITH_WALL: readonly string[] = [
  'broker/bridge/forwarder.ts',
  'broker/hub/audit/retention.ts',
  'broker/hub/commands/deadlines.ts',
  'broker/hub/commands/delivery.ts',
  'broker/access/browser-sessions.ts',
  'device-sim/commands.ts',
];

/** Files that read a timer and assert nothing on it: one blocks the event loop, one says how fast the box runs, one makes names. */
const TIMERS_IN_TESTS: readonly string[] = [
  'test/admin/stats.test.ts',
  'test/box/cli.ts',
  'test/bridge/subscriber.ts',
];

function filesWith(pattern: RegExp, ...folders: string[]): string[] {
  return folders
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => pattern.test(readFileSync(join(root, file), 'utf8')))
    .filter((file) => file !== 'test/clocks.test.ts')
    .sort();
}

/**
 * What else the process has at hand, of which a simulation hands out its own: chance, timers, the process. Above `base`, only
 * what stands for the process or for a thread of it reaches for them.
 */
const AMBIENT =
  /\b(setImmediate|setTimeout|setInterval|Math\.random|randomUUID)\b|\brandomBytes\b[^;]*from 'node:crypto'|(?<!\.)\bprocess\.(argv|cpuUsage|cwd|env|exit|kill|memoryUsage|nextTick|on|once|pid|platform|uptime)\b/;
const REACHES_FOR_IT: readonly string[] = [
  'broker/main.ts',
  'broker/bridge/thread/worker.ts',
  // Parts of the environment that the process hands out: the data folder, its costs, its files.
  'broker/access/bootstrap.ts',
  'broker/hub/process-metrics.ts',
  'broker/store/open.ts',
];

/** Without comments. */
function statements(file: string): string {
  return readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

const CODE = ['broker', 'client', 'device-sim', 'dashboard'];

it("the machine's clocks are read by the environment only", () => {
  const readers = filesWith(/\b(Date\.now|performance\.now|hrtime|new Date\(\))/, ...CODE);
  expect(readers.filter((file) => !FOR_PEOPLE.test(file) && !READS_GLOBALS.includes(file))).toEqual([]);
});

it('chance, timers and the process come from the environment, too', () => {
  const ambient = filesWith(/./, 'broker').filter((file) => AMBIENT.test(statements(file)));
  expect(ambient.filter((file) => !/^broker\/(base|cli)\//.test(file))).toEqual([...REACHES_FOR_IT].sort());
});

it('a wait is reckoned with monotonic time: wall time is compared in few places, which are named here', () => {
  const reckoning = filesWith(/\.now\(\) ?[-<>+]|[-<>+]=? ?[\w.]*clock\.now\(\)/, ...CODE);
  expect(reckoning.filter((file) => !FOR_PEOPLE.test(file) && !READS_GLOBALS.includes(file))).toEqual(
    [...RECKONS_WITH_WALL].sort(),
  );
});

it('no test measures how long something takes: that is for bench/', () => {
  expect(filesWith(/performance\.now|hrtime|PerformanceObserver/, 'test')).toEqual(
    [...TIMERS_IN_TESTS].sort(),
  );
});

it('no test gives up waiting after a second: `eventually` and `until` are as patient as the test', () => {
  expect(filesWith(/\bvi\.wait(For|Until)\(|\bexpect\.poll\(/, 'test')).toEqual([
    'test/helpers/eventually.ts',
  ]);
});

it('no test has less time than the others: that only makes it red on a slow machine', () => {
  expect(filesWith(/^ *\}, [\d_]+\);$|, \{ timeout: [12]?\d{1,2}_?000 \}/m, 'test')).toEqual([]);
});

it('properties are tried on the same cases in each run', () => {
  expect(filesWith(/from 'fast-check'/, 'test')).toEqual(['test/helpers/fast-check.ts']);
});
