/**
 * Takes the medians of the rounds and prints the report: figures, ratios, and whether what is promised of them is kept.
 */
import { cpus } from 'node:os';
import type { Measured } from './measure.ts';
import { telemetryPayload } from './wire.ts';

type Row = Omit<Measured, 'ack'> & { readonly ackP50: number; readonly ackP99: number };

/** Subject → load → figures. */
export type Figures = Readonly<Record<string, Readonly<Record<string, Row>>>>;

const TITLES: Readonly<Record<string, string>> = {
  steady: '10,000 frames/s, 1 a write',
  busy: '40,000 frames/s, 1 a write',
  flood: 'flood, 1 a write',
  packed: 'flood, 16 a write',
};

interface Ratio {
  readonly text: string;
  readonly value: (figures: Figures) => number;
  /** What is promised of it, if anything. */
  readonly limit?: { readonly side: 'at least' | 'at most'; readonly value: number };
}

/** As the load sends it, and what the log may add: source, time, lengths and its part of the record's head. */
const SAMPLE_BYTES = telemetryPayload(1_780_000_000_000).length;
const MOST_OVERHEAD = 22;

const cell = (figures: Figures, subject: string, load: string) => figures[subject]?.[load] as Row;

/** Of the bare server's frames/s. */
const speed = (subject: string, load: string) => (figures: Figures) =>
  cell(figures, subject, load).framesPerSecond / cell(figures, 'bare', load).framesPerSecond;

/** In units of the bare server's CPU a frame. */
const cost = (subject: string, load: string) => (figures: Figures) =>
  cell(figures, subject, load).cpuPerFrame / cell(figures, 'bare', load).cpuPerFrame;

const longestTurn = (figures: Figures) =>
  Math.max(...['flood', 'packed'].map((load) => cell(figures, 'broker', load).longestTurn));

const RATIOS: readonly Ratio[] = [
  {
    text: 'b/a frames/s, flood, 16 a write',
    value: speed('broker', 'packed'),
    limit: { side: 'at least', value: 0.28 },
  },
  { text: 'a/b CPU a frame, flood, 16 a write', value: (figures) => 1 / cost('broker', 'packed')(figures) },
  { text: 'c/a frames/s, flood, 16 a write', value: speed('viewers', 'packed') },
  {
    text: 'b/a CPU a frame, 40,000 frames/s',
    value: cost('broker', 'busy'),
    limit: { side: 'at most', value: 1.6 },
  },
  { text: 'c/a CPU a frame, 40,000 frames/s', value: cost('viewers', 'busy') },
  {
    text: 'b ack p99 at 10,000 frames/s, ms',
    value: (figures) => cell(figures, 'broker', 'steady').ackP99,
    limit: { side: 'at most', value: 50 },
  },
  {
    text: `b bytes of log for a sample of ${SAMPLE_BYTES}`,
    value: (figures) => cell(figures, 'broker', 'steady').logBytesPerFrame,
    limit: { side: 'at most', value: SAMPLE_BYTES + MOST_OVERHEAD },
  },
  {
    text: 'b longest turn while 200 sockets flood, ms',
    value: longestTurn,
    limit: { side: 'at most', value: 100 },
  },
];

/** Of each figure the median over the rounds. */
export function medians(all: Readonly<Record<string, readonly Record<string, Measured>[]>>): Figures {
  const merged = (rounds: readonly Measured[]): Row => {
    const of = (read: (measured: Measured) => number) => median(rounds.map(read));
    return {
      framesPerSecond: of((measured) => measured.framesPerSecond),
      cpuPerFrame: of((measured) => measured.cpuPerFrame),
      busy: of((measured) => measured.busy),
      longestTurn: of((measured) => measured.longestTurn),
      logBytesPerFrame: of((measured) => measured.logBytesPerFrame),
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
  console.log('');
  for (const ratio of RATIOS) printRatio(ratio, ratio.value(figures));
}

function printRatio({ text, limit }: Ratio, value: number): void {
  const kept = limit && (limit.side === 'at least' ? value >= limit.value : value <= limit.value);
  const verdict = limit ? `  ${kept ? 'kept' : 'MISSED'}: ${limit.side} ${limit.value}` : '';
  console.log(`${text.padEnd(44)}${value.toFixed(2).padStart(8)}${verdict}`);
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
