/**
 * Remembers which commands this device has had, so that none is executed twice (P-5.2), and what it last said of each.
 * Owns that memory, bounded in number and in bytes. With a `SeenFile` an id is on disk before it counts.
 */
import { type FinalResultName, resultFrame } from './command-result.ts';

/**
 * `taken`: its handler runs or will run. `accepted`: and that was said. `final`: `frame` says how it ended; `settled`: and
 * the broker is known to have that.
 */
export type Known =
  | { readonly state: 'taken' | 'accepted' }
  | {
      readonly state: 'final' | 'settled';
      readonly status: FinalResultName;
      readonly frame: Uint8Array;
    };

/** id → what is known of it, in the order in which they came. */
export type KnownCommands = Map<string, Known>;

export type SeenChange =
  | readonly [kind: 1, id: string]
  | readonly [kind: 2, id: string, status: FinalResultName, frame: Uint8Array]
  | readonly [kind: 3, id: string];

/** Where ids survive the process. */
export interface SeenFile {
  /** Durable when it returns; throws if the id cannot be written. */
  add(id: string): void;
  /** Never throws: what is not noted here makes a finished command look unfinished, not unseen. */
  note(change: SeenChange, known: KnownCommands): void;
}

/** Of results; the oldest lose their data first, but never their id or how they ended. */
const MOST_BYTES = 1024 * 1024;
const SMALL = 128;

export class SeenCommands {
  private readonly limit: number;
  private readonly file: SeenFile | null;
  private readonly known: KnownCommands;
  private bytes = 0;

  /** `known`: of an earlier run; owned by this from here on. */
  constructor(limit: number, file: SeenFile | null, known: KnownCommands = new Map()) {
    this.limit = limit;
    this.file = file;
    this.known = known;
    for (const one of known.values()) this.bytes += size(one);
    this.forgetOldest();
  }

  find(id: string): Known | undefined {
    return this.known.get(id);
  }

  /** What was neither finished nor settled when an earlier run ended, oldest first. */
  *open(): Generator<readonly [id: string, known: Known]> {
    for (const [id, known] of this.known) if (known.state !== 'settled') yield [id, known];
  }

  /** From here on the command is known. Throws if the file cannot take it. */
  add(id: string): void {
    this.file?.add(id);
    this.known.set(id, { state: 'taken' });
    this.forgetOldest();
  }

  accepted(id: string): void {
    if (this.known.get(id)?.state === 'taken') this.known.set(id, { state: 'accepted' });
  }

  finish(id: string, status: FinalResultName, frame: Uint8Array): void {
    this.known.set(id, { state: 'final', status, frame });
    this.bytes += frame.length;
    this.shrinkOldest();
    this.file?.note([2, id, status, frame], this.known);
  }

  /** The broker has how it ended. */
  settle(id: string): void {
    const known = this.known.get(id);
    if (known?.state !== 'final') return;
    this.known.set(id, { ...known, state: 'settled' });
    this.file?.note([3, id], this.known);
  }

  /** What has not ended is not forgotten; there is a bound for that elsewhere (`command-executor.ts`). */
  private forgetOldest(): void {
    for (const [id, known] of this.known) {
      if (this.known.size <= this.limit) return;
      if (known.state === 'taken' || known.state === 'accepted') continue;
      this.known.delete(id);
      this.bytes -= size(known);
    }
  }

  private shrinkOldest(): void {
    for (const [id, known] of this.known) {
      if (this.bytes <= MOST_BYTES) return;
      if (!('frame' in known) || known.frame.length <= SMALL) continue;
      const frame = resultFrame(id, known.status, null);
      this.known.set(id, { ...known, frame });
      this.bytes -= known.frame.length - frame.length;
    }
  }
}

function size(known: Known): number {
  return 'frame' in known ? known.frame.length : 0;
}
