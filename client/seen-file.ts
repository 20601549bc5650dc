/**
 * The memory of seen commands on disk: a journal of ids and how they ended, so that no restart and no power cut makes a
 * device execute a command twice. Owns the file. `openSeen` opens the memory with its file, or without one where none is
 * wanted. Records are CBOR: `[0, "signalbox commands"]` at the start, `[1, id]` it came, `[2, id, status, frame]` it
 * ended, `[3, id]` the broker has that. No two processes may use one file.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Clock } from '../broker/base/clock.ts';
import { decode, encode } from '../broker/wire/cbor.ts';
import { AppendFile, readRecords, record, replaceFile } from './append-file.ts';
import type { DeviceClientOptions } from './options.ts';
import {
  type Known,
  type KnownCommands,
  type SeenChange,
  SeenCommands,
  type SeenFile,
} from './seen-commands.ts';

type SeenRecord = readonly [kind: 0, mark: string] | SeenChange;

const MARK = 'signalbox commands';
/** The file is rewritten when it has grown to twice of what counts, and this; bytes. */
const SLACK = 65_536;

export interface SeenJournalOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly onFault: (error: Error) => void;
}

export class SeenJournal implements SeenFile {
  /** What the file held; for `SeenCommands` to own. */
  readonly known: KnownCommands;
  private readonly options: SeenJournalOptions;
  private file: AppendFile;
  /** How big the file was when it held nothing but what counts. */
  private base = 0;

  /** Opens or creates the file. Throws if it cannot be read or written, or is another's. */
  constructor(options: SeenJournalOptions) {
    this.options = options;
    this.known = readKnown(options);
    this.file = this.rewrite(this.known);
  }

  add(id: string): void {
    this.file.append(encode([1, id]));
    this.file.flush();
  }

  note(change: SeenChange, known: KnownCommands): void {
    try {
      this.file.append(encode(change));
      if (this.file.bytes > 2 * this.base + SLACK) this.compact(known);
    } catch (error) {
      this.options.onFault(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Idempotent. */
  close(): void {
    this.file.close();
  }

  private compact(known: KnownCommands): void {
    const { file } = this;
    this.file = this.rewrite(known);
    file.close();
  }

  private rewrite(known: KnownCommands): AppendFile {
    const { path, clock, onFault } = this.options;
    const entries: SeenRecord[] = [[0, MARK], ...[...known].flatMap(([id, one]) => entriesOf(id, one))];
    const bytes = Buffer.concat(entries.map((entry) => record(encode(entry))));
    replaceFile(path, bytes);
    this.base = bytes.length;
    return new AppendFile(path, bytes.length, clock, onFault);
  }
}

function entriesOf(id: string, known: Known): SeenChange[] {
  const taken = [1, id] as const;
  if (!('frame' in known)) return [taken];
  const ended = [2, id, known.status, known.frame] as const;
  return known.state === 'settled' ? [taken, ended, [3, id]] : [taken, ended];
}

function readKnown({ path, onFault }: SeenJournalOptions): KnownCommands {
  const bytes = existsSync(path) ? readFileSync(path) : new Uint8Array(0);
  const { payloads, end, rest } = readRecords(bytes);
  const [head, ...entries] = payloads.map((payload) => decode(payload) as SeenRecord);
  // The file is only ever replaced by one that is whole, so one without a beginning is not ours to overwrite.
  if (bytes.length > 0 && (head?.[0] !== 0 || head[1] !== MARK))
    throw new Error(`${path} is no file of seen commands, or is damaged at its start.`);
  if (rest === 'damaged')
    onFault(new Error(`${path} is damaged at byte ${end}: commands noted after it may be executed again.`));
  const known: KnownCommands = new Map();
  for (const entry of entries) apply(known, entry);
  return known;
}

function apply(known: KnownCommands, entry: SeenRecord): void {
  const [kind, id] = entry;
  if (kind === 1) known.set(id, { state: 'taken' });
  // A copy: what was read holds on to the whole file.
  else if (kind === 2) known.set(id, { state: 'final', status: entry[2], frame: Uint8Array.from(entry[3]) });
  else if (kind === 3) {
    const one = known.get(id);
    if (one && 'frame' in one) known.set(id, { ...one, state: 'settled' });
  }
}

const DEFAULT_IDS = 1000;
/** More than can wait at once. */
const LEAST_IDS = 200;

export interface OpenSeen {
  readonly commands: SeenCommands;
  /** To be closed at the end. */
  readonly journal: SeenJournal | null;
}

/** Throws if the file cannot be used. */
export function openSeen(
  { commands = {} }: DeviceClientOptions,
  clock: Clock,
  onFault: (error: Error) => void,
): OpenSeen {
  const { file, remember = DEFAULT_IDS } = commands;
  const limit = Math.max(LEAST_IDS, remember);
  if (file === undefined) return { commands: new SeenCommands(limit, null), journal: null };
  const journal = new SeenJournal({ path: file, clock, onFault });
  return { commands: new SeenCommands(limit, journal, journal.known), journal };
}
