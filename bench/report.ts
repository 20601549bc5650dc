/** Medians of the rounds, and the report with what issue and README promise. */
import { cpus } from 'node:os';
import type { Measured } from './measure.ts';

type Row = Omit<Measured, 'ack'> & { readonly ackP50: number; readonly ackP99: number };

/** Subject → load → figures. */
export type Figures = Readonly<Record<string, Readonly<Record<string, Row>>>>;

const TITLES: Readonly<Record<string, string>> = {
  steady: '10,000 frames/s, 1 a write',
  busy: '40,000 frames/s, 1 a write',
  flood: 'flood, 1 a write',
  packed: 'flood, 16 a write',
};

interface Promised {
  readonly text: string;
  readonly value: (figures: Figures) => number;
  readonly limit: number;
  readonly side: 'at least' | 'at most';
}

const cell = (figures: Figures, subject: string, load: string) => figures[subject]?.[load] as Row;

function promises(): Promised[] {
  const part = (subject: string) => (figures: Figures) =>
    cell(figures, subject, 'packed').framesPerSecond / cell(figures, 'bare', 'packed').framesPerSecond;
  const cost = (figures: Figures) =>
    cell(figures, 'broker', 'busy').cpuPerFrame / cell(figures, 'bare', 'busy').cpuPerFrame;
  const work = (figures: Figures) =>
    cell(figures, 'bare', 'packed').cpuPerFrame / cell(figures, 'broker', 'packed').cpuPerFrame;
  const turn = (figures: Figures) =>
    Math.max(...['flood', 'packed'].map((load) => cell(figures, 'broker', load).longestTurn));
  const ack = (figures: Figures) => cell(figures, 'broker', 'steady').ackP99;
  return [
    { text: 'b/a frames/s, flood of 16 a write', value: part('broker'), limit: 0.28, side: 'at least' },
    { text: 'b/a by CPU a frame, flood of 16 a write', value: work, limit: 0.28, side: 'at least' },
    { text: 'c/a frames/s, flood of 16 a write', value: part('viewers'), limit: 0.25, side: 'at least' },
    { text: 'b/a CPU a frame at 40,000 frames/s', value: cost, limit: 1.6, side: 'at most' },
    { text: 'ack p99 at 10,000 frames/s, ms', value: ack, limit: 50, side: 'at most' },
    { text: 'longest turn while 200 sockets flood, ms', value: turn, limit: 100, side: 'at most' },
  ];
}

/** Of each figure the median over the rounds. */
export function medians(all: Readonly<Record<string, readonly Record<string, Measured>[]>>): Figures {
  const merged = (rounds: readonly Measured[]): Row => {
    const of = (read: (measured: Measured) => number) => median(rounds.map(read));
    return {
      framesPerSecond: of((measured) => measured.framesPerSecond),
      cpuPerFrame: of((measured) => measured.cpuPerFrame),
      busy: of((measured) => measured.busy),
      longestTurn: of((measured) => measured.longestTurn),
      viewerBytesPerSecond: of((measured) => measured.viewerBytesPerSecond),
      ackP50: of((measured) => measured.ack.p50),
      ackP99: of((measured) => measured.ack.p99),
    };
  };
  const loads = (rounds: readonly Record<string, Measured>[]) =>
    Object.keys(rounds[0] ?? {}).map((load) => [
      load,
      merged(rounds.map((round) => round[load] as Measured)),
    ]);
  return Object.fromEntries(
    Object.entries(all).map(([subject, rounds]) => [subject, Object.fromEntries(loads(rounds))]),
  );
}

export function printReport(figures: Figures): void {
  console.log(
    `Node ${process.version}, ${cpus()[0]?.model.trim()}, one core for the server, one for the load`,
  );
  console.log('(a) bare ws, counts only   (b) broker, durable acks   (c) broker with 20 viewers');
  for (const load of Object.keys(TITLES)) printLoad(figures, load);
  console.log('\nPromised');
  for (const { text, value, limit, side } of promises()) {
    const measured = value(figures);
    const kept = side === 'at least' ? measured >= limit : measured <= limit;
    console.log(`  ${kept ? 'kept  ' : 'MISSED'} ${text}: ${measured.toFixed(2)} (${side} ${limit})`);
  }
}

function printLoad(figures: Figures, load: string): void {
  console.log(`\n${TITLES[load]}`);
  console.log('        frames/s   CPU µs/frame   core busy   longest turn   ack p50   ack p99');
  for (const [letter, subject] of [
    ['a', 'bare'],
    ['b', 'broker'],
    ['c', 'viewers'],
  ] as const) {
    const row = cell(figures, subject, load);
    const columns = [
      Math.round(row.framesPerSecond).toLocaleString('en').padStart(12),
      row.cpuPerFrame.toFixed(2).padStart(15),
      `${Math.round(row.busy * 100)} %`.padStart(12),
      `${Math.round(row.longestTurn)} ms`.padStart(15),
      subject === 'bare' ? '' : `${row.ackP50.toFixed(1)} ms`.padStart(10),
      subject === 'bare' ? '' : `${row.ackP99.toFixed(1)} ms`.padStart(10),
    ];
    console.log(`  (${letter}) ${columns.join('')}`);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
