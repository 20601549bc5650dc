/**
 * The outbox on disk: a journal of frames that came and went, with the boot and its sequence, so that a restart goes on as
 * the same run of the device (P-3.2). Owns the file and which frames in it still count. Frames of an earlier run with
 * other `fields` are given the names of their values, since positions would mean something else (P-2.4). Records are CBOR:
 * `[1, boot, fields, seq]` at the start, `[2, seq, frame]` a frame came, `[3, seq]` all up to it went, `[4, seq]` this one
 * went. No two processes may use one file.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Clock } from '../broker/base/clock.ts';
import { decode, encode } from '../broker/wire/cbor.ts';
import { encodeBatch, encodeTelemetry } from '../broker/wire/encode.ts';
import { FrameError } from '../broker/wire/frame-error.ts';
import { FRAME, type Sample, type ValueMap } from '../broker/wire/frames.ts';
import { FrameReader } from '../broker/wire/reader.ts';
import { AppendFile, readRecords, record, replaceFile } from './append-file.ts';
import type { FrameDraft } from './frame-draft.ts';
import type { OutboxFile } from './outbox.ts';

export type BootName = number | Uint8Array;

type OutboxRecord =
  | readonly [kind: 1, boot: BootName, fields: readonly string[] | null, seq: number]
  | readonly [kind: 2, seq: number, frame: Uint8Array]
  | readonly [kind: 3 | 4, seq: number];

/** What a run of the device goes on with. */
export interface DeviceRun {
  readonly boot: BootName;
  readonly fields: readonly string[] | null;
  /** The highest seq that may have been used. */
  readonly seq: number;
  readonly frames: ReadonlyMap<number, Uint8Array>;
}

/** A power cut may take the last second of the file but not from the broker: this many seqs are left out (P-4.1). */
const SKIPPED = 1_000_000;
/** Dead bytes are tolerated up to this and up to as many as live ones. */
const SLACK = 65_536;

export interface OutboxJournalOptions {
  readonly path: string;
  /** For a file that does not exist yet. */
  readonly boot: BootName;
  /** Layout of this run; frames of an earlier layout are given their names. */
  readonly fields: readonly string[] | undefined;
  readonly clock: Clock;
  readonly onFault: (error: Error) => void;
}

export class OutboxJournal implements OutboxFile {
  readonly boot: BootName;
  /** Seqs start above this one. */
  readonly seq: number;
  /** What the file held, oldest first; dated, so with no `measuredAt`. */
  readonly restored: readonly FrameDraft[];
  /** Seqs of frames that no longer fit a frame under their names. */
  readonly lost: readonly number[];
  private readonly options: OutboxJournalOptions;
  private readonly live = new Map<number, Uint8Array>();
  private highest: number;
  private liveBytes = 0;
  private file: AppendFile;

  /** Opens or creates the file. Throws if it cannot be read or written, or is no outbox file. */
  constructor(options: OutboxJournalOptions) {
    this.options = options;
    const run = readRun(options);
    const fields = options.fields ?? null;
    const { frames, lost } = renamed(run.frames, run.fields, fields);
    for (const [seq, frame] of frames) this.keep(seq, frame);
    this.boot = run.boot;
    this.seq = run.seq;
    this.highest = run.seq;
    this.lost = lost;
    const queuedAt = options.clock.now();
    this.restored = [...frames].map(([seq, bytes]) => ({ seq, bytes, queuedAt, measuredAt: null }));
    this.file = this.rewrite();
  }

  append({ seq, bytes }: FrameDraft): void {
    this.write([2, seq, bytes]);
    this.highest = seq;
    this.keep(seq, bytes);
  }

  release(seq: number): void {
    for (const held of upTo(this.live, seq)) this.forget(held);
    this.note([3, seq]);
  }

  remove(seq: number): void {
    this.forget(seq);
    this.note([4, seq]);
  }

  /** Idempotent. */
  close(): void {
    this.file.close();
  }

  private keep(seq: number, frame: Uint8Array): void {
    this.live.set(seq, frame);
    this.liveBytes += frame.length;
  }

  private forget(seq: number): void {
    this.liveBytes -= this.live.get(seq)?.length ?? 0;
    this.live.delete(seq);
  }

  private write(entry: OutboxRecord): void {
    this.file.append(encode(entry));
  }

  /** What is not noted is sent once more after a restart, and the broker drops it (P-4.3). */
  private note(entry: OutboxRecord): void {
    try {
      this.write(entry);
      if (this.file.bytes > 2 * this.liveBytes + SLACK) this.compact();
    } catch (error) {
      this.options.onFault(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private compact(): void {
    const { file } = this;
    this.file = this.rewrite();
    file.close();
  }

  /** Replaces the file at one stroke by what still counts. */
  private rewrite(): AppendFile {
    const { path, fields, clock, onFault } = this.options;
    const entries: OutboxRecord[] = [[1, this.boot, fields ?? null, this.highest]];
    for (const [seq, frame] of this.live) entries.push([2, seq, frame]);
    const bytes = Buffer.concat(entries.map((entry) => record(encode(entry))));
    replaceFile(path, bytes);
    return new AppendFile(path, bytes.length, clock, onFault);
  }
}

function readRun({ path, boot, fields, onFault }: OutboxJournalOptions): DeviceRun {
  const bytes = existsSync(path) ? readFileSync(path) : new Uint8Array(0);
  const { payloads, end, rest } = readRecords(bytes);
  const entries = payloads.map((payload) => decode(payload) as OutboxRecord);
  const [head] = entries;
  // The file is only ever replaced by one that is whole, so one without a beginning is not ours to overwrite.
  if (bytes.length > 0 && head?.[0] !== 1)
    throw new Error(`${path} is no outbox file, or is damaged at its start.`);
  if (rest === 'damaged') {
    onFault(new Error(`${path} is damaged at byte ${end}: what was written after it is lost.`));
  }
  if (head?.[0] !== 1) return { boot, fields: fields ?? null, seq: 0, frames: new Map() };
  return { boot: head[1], fields: head[2], ...replay(entries, head[3]) };
}

function replay(entries: readonly OutboxRecord[], start: number): Pick<DeviceRun, 'seq' | 'frames'> {
  const frames = new Map<number, Uint8Array>();
  let seq = start;
  for (const entry of entries) {
    if (entry[0] === 2) {
      // A copy: what was read holds on to the whole file.
      frames.set(entry[1], Uint8Array.from(entry[2]));
      seq = Math.max(seq, entry[1]);
    } else if (entry[0] === 3) {
      for (const held of upTo(frames, entry[1])) frames.delete(held);
    } else if (entry[0] === 4) frames.delete(entry[1]);
  }
  return { seq: seq + SKIPPED, frames };
}

/** Seqs rise in the order of insertion. */
function* upTo(frames: ReadonlyMap<number, unknown>, seq: number): Generator<number> {
  for (const held of frames.keys()) {
    if (held > seq) return;
    yield held;
  }
}

interface Renamed {
  readonly frames: ReadonlyMap<number, Uint8Array>;
  /** Seqs of frames that are too big with names in them. */
  readonly lost: readonly number[];
}

/** seq → frame, from the fields `before` to the fields `now`; as they were, if those are the same. */
function renamed(
  frames: ReadonlyMap<number, Uint8Array>,
  before: readonly string[] | null,
  now: readonly string[] | null,
): Renamed {
  if (JSON.stringify(before) === JSON.stringify(now)) return { frames, lost: [] };
  const reader = new FrameReader();
  reader.fields = before;
  const result = new Map<number, Uint8Array>();
  const lost: number[] = [];
  for (const [seq, frame] of frames) {
    const bytes = withNames(frame, reader);
    if (bytes) result.set(seq, bytes);
    else lost.push(seq);
  }
  return { frames: result, lost };
}

/** null if it no longer fits the profile. */
function withNames(bytes: Uint8Array, reader: FrameReader): Uint8Array | null {
  const frame = reader.read(bytes);
  if (frame.kind !== FRAME.telemetry && frame.kind !== FRAME.batch) return bytes;
  const named =
    frame.kind === FRAME.telemetry
      ? encodeTelemetry(frame.seq, frame.time, valueMap(frame))
      : encodeBatch(
          frame.seq,
          frame.time,
          frame.samples.map((sample) => [sample.dt, valueMap(sample)] as const),
        );
  return fits(named) ? named : null;
}

function fits(bytes: Uint8Array): boolean {
  try {
    new FrameReader().read(bytes);
    return true;
  } catch (error) {
    if (error instanceof FrameError) return false;
    throw error;
  }
}

function valueMap({ names, values }: Sample): ValueMap {
  return Object.fromEntries(values.map((value, index) => [names[index], value]));
}
