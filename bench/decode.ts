/**
 * What decoding one frame of 4 metrics costs: the strict reader, schema check included, against cbor-x, which checks
 * nothing; and what 64 KiB of malice cost, which is refused or read in under 5 ms. `npx node bench/decode.ts` prints the best of
 * several rounds, in ns a frame: other load only ever adds.
 */
import { pathToFileURL } from 'node:url';
import { decode } from '../broker/wire/cbor.ts';
import { encodeBatch, encodeTelemetry, type SampleValues } from '../broker/wire/encode.ts';
import { FrameError } from '../broker/wire/frame-error.ts';
import { FrameReader } from '../broker/wire/reader.ts';
import { HOSTILE_FRAMES } from '../test/helpers/hostile-frames.ts';

const ROUNDS = 15;
const FRAMES = 100_000;
/** What a hostile frame may cost; ms. */
const MALICE_MS = 5;
const FIELDS = ['temperature', 'humidity', 'pressure', 'battery'];
const TIME = 1780000000000;

const reading = (index: number): number[] => [20 + index / 7, 40 + index / 3, 1000 + index / 9, 90 - index];
const named = (values: readonly number[]): SampleValues =>
  Object.fromEntries(FIELDS.map((name, index) => [name, values[index] as number]));

/** Different readings, as a device sends them: one frame over and over would flatter branch prediction. */
const readings = Array.from({ length: 64 }, (_, index) => reading(index));

const CASES: Readonly<Record<string, readonly Uint8Array[]>> = {
  'telemetry by name': readings.map((values, seq) => encodeTelemetry(seq + 1000, TIME, named(values))),
  'telemetry by fields': readings.map((values, seq) => encodeTelemetry(seq + 1000, TIME, values)),
  'telemetry, two layouts in turn': readings.map((values, seq) =>
    encodeTelemetry(seq + 1000, TIME, seq % 2 === 0 ? named(values) : { level: 7, flow: 1.5 }),
  ),
  'batch of 16 by fields': readings.map((_, seq) =>
    encodeBatch(
      seq + 1000,
      TIME,
      readings.slice(0, 16).map((values, dt) => [dt, values]),
    ),
  ),
};

export interface DecodeCost {
  readonly name: string;
  /** Mean size of a frame, bytes. */
  readonly bytes: number;
  /** ns a frame. */
  readonly reader: number;
  readonly cborX: number;
}

function measureDecoding(): DecodeCost[] {
  return Object.entries(CASES).map(([name, frames]) => {
    const reader = new FrameReader();
    reader.fields = FIELDS;
    const bytes = Math.round(frames.reduce((sum, frame) => sum + frame.length, 0) / frames.length);
    return {
      name,
      bytes,
      reader: cost(frames, (frame) => reader.read(frame)),
      cborX: cost(frames, decode),
    };
  });
}

/** Name → the best of several rounds, ms. */
function measureMalice(): Record<string, number> {
  const once = (bytes: Uint8Array): number => {
    const before = process.hrtime.bigint();
    try {
      kept = new FrameReader().read(bytes);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
    }
    return Number(process.hrtime.bigint() - before) / 1e6;
  };
  const best = (bytes: Uint8Array) => Math.min(...Array.from({ length: ROUNDS }, () => once(bytes)));
  return Object.fromEntries(Object.entries(HOSTILE_FRAMES).map(([name, bytes]) => [name, best(bytes)]));
}

/** Keeps the compiler from leaving out what nobody looks at. */
let kept: unknown;

function cost(frames: readonly Uint8Array[], decodeOne: (bytes: Uint8Array) => unknown): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.hrtime.bigint();
    for (let index = 0; index < FRAMES; index += 1)
      kept = decodeOne(frames[index % frames.length] as Uint8Array);
    return Number(process.hrtime.bigint() - before) / FRAMES;
  });
  if (kept === undefined) throw new Error('nothing was decoded');
  return Math.min(...rounds);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { name, bytes, reader, cborX } of measureDecoding()) {
    const figures = `reader ${Math.round(reader)} ns, cbor-x ${Math.round(cborX)} ns`;
    console.log(`${name.padEnd(32)} ${String(bytes).padStart(4)} bytes  ${figures}`);
  }
  for (const [name, milliseconds] of Object.entries(measureMalice())) {
    const isKept = milliseconds < MALICE_MS;
    console.log(
      `${name.padEnd(36)} ${milliseconds.toFixed(2)} ms${isKept ? '' : `, more than ${MALICE_MS}`}`,
    );
    if (!isKept) process.exitCode = 1;
  }
}
