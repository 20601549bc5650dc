/**
 * `npm run bench`: the durable broker beside a bare ws server that only counts, in one run and in alternating rounds, one
 * core for the server with all its threads and one for the load. Ratios hold; absolute figures drift with the machine.
 *
 *   npm run bench -- --rounds 5 --seconds 4     longer, steadier
 *   npm run bench -- --json                     figures for programs, on stdout
 *   npm run bench -- --profile                  where the broker's time goes, thread by thread
 *   npm run bench -- storm flood costly         only these attacks (storm.ts), which end the whole run otherwise
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Load, Measured } from './measure.ts';
import { printProfiles } from './profile.ts';
import { type Figures, medians, printReport } from './report.ts';
import { diskWarning, type Kind, withBench } from './servers.ts';
import { ATTACKS, withstand } from './storm.ts';

const DEVICES = 200;
const VIEWERS = 20;
const WARMUP = 1000;

/** In this order: the floods come last, since what they leave in the kernel's buffers would disturb the others. */
const LOADS = {
  steady: { framesPerWrite: 1, framesPerSecond: 10_000 },
  busy: { framesPerWrite: 1, framesPerSecond: 40_000 },
  flood: { framesPerWrite: 1, framesPerSecond: 0 },
  packed: { framesPerWrite: 16, framesPerSecond: 0 },
} as const satisfies Record<string, Load>;

const SUBJECTS = {
  bare: { kind: 'bare', viewers: 0 },
  broker: { kind: 'broker', viewers: 0 },
  viewers: { kind: 'broker', viewers: VIEWERS },
} as const satisfies Record<string, { kind: Kind; viewers: number }>;

async function measureAll(bench: Bench, viewers: number, window: number): Promise<Record<string, Measured>> {
  await bench.connect(DEVICES, viewers);
  const measured: Record<string, Measured> = {};
  for (const [name, load] of Object.entries(LOADS)) {
    const end = name === 'packed' ? 'leave' : 'settle';
    measured[name] = await bench.measure(load, WARMUP, window, end);
  }
  return measured;
}

async function compare(rounds: number, window: number): Promise<Figures> {
  const all: Record<string, Record<string, Measured>[]> = {};
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, { kind, viewers }] of Object.entries(SUBJECTS)) {
      console.error(`round ${round} of ${rounds}: ${name}`);
      const measured = await withBench(kind, [], (bench) => measureAll(bench, viewers, window));
      all[name] = [...(all[name] ?? []), measured];
    }
  }
  return medians(all);
}

async function profile(window: number): Promise<void> {
  for (const name of ['busy', 'packed'] as const) {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-profile-'));
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'];
    await withBench('broker', flags, async (bench) => {
      await bench.connect(DEVICES, 0);
      await bench.measure(LOADS[name], WARMUP, window, 'leave');
    });
    console.log(`\n${name}: ${JSON.stringify(LOADS[name])}`);
    printProfiles(folder, 20, WARMUP + window);
    rmSync(folder, { recursive: true });
  }
}

/** Each attack in turn; the process fails if one of them was not withstood. */
async function withstandAll(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const attack = ATTACKS[name];
    if (!attack) throw new Error(`no attack ${name}; there are ${Object.keys(ATTACKS).join(', ')}`);
    if (!(await withstand(name, attack))) process.exitCode = 1;
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});
const warning = diskWarning();
if (warning) console.error(warning);
const window = Number(values.seconds) * 1000;
if (values.profile) await profile(window);
else if (positionals.length > 0) await withstandAll(positionals);
else {
  const figures = await compare(Number(values.rounds), window);
  if (values.json) console.log(JSON.stringify(figures, null, 2));
  else {
    printReport(figures);
    await withstandAll(Object.keys(ATTACKS));
  }
}
