/**
 * `Outbox` owns the frames that are not known to be durable, oldest first and bounded in bytes, and how far they were
 * sent. With an `OutboxFile` a frame is written there before it counts. `Sender` writes them to the connection at hand, as
 * far as the welcome's window and the network let it.
 */
import type { FrameDraft } from './frame-draft.ts';

/** What happens to a frame for which there is no room: `send` throws OutboxFull, or the oldest frames make room. */
export type FullPolicy = 'refuse' | 'drop-oldest';

export interface OutboxLimits {
  /** Of frames and their keeping. */
  readonly bytes: number;
  readonly whenFull: FullPolicy;
}

/** Where frames survive the process. */
export interface OutboxFile {
  /** Throws if the frame cannot be written; then it is not taken. */
  append(draft: FrameDraft): void;
  /** Everything up to `seq` is durable or given up. Never throws: what is not noted here is only sent once more. */
  release(seq: number): void;
  /** This one frame is given up. Never throws. */
  remove(seq: number): void;
}

/** What an entry costs besides its frame's bytes. */
export const KEEPING = 128;

const GONE: FrameDraft = { seq: 0, bytes: new Uint8Array(0), queuedAt: 0, measuredAt: null };

export class OutboxFull extends Error {
  override readonly name = 'OutboxFull';

  constructor(needed: number, limit: number) {
    super(
      `The outbox holds at most ${limit} bytes and has no room for ${needed} more; wait for acknowledgements.`,
    );
  }
}

export class Outbox {
  private readonly limits: OutboxLimits;
  private readonly file: OutboxFile | null;
  private entries: FrameDraft[] = [];
  /** Entries before this one are gone; they are cut off in bulk. */
  private first = 0;
  /** The next one to send. */
  private unsent = 0;
  private held = 0;
  private written = 0;

  constructor(limits: OutboxLimits, file: OutboxFile | null, restored: readonly FrameDraft[] = []) {
    this.limits = limits;
    this.file = file;
    for (const draft of restored) this.keep(draft);
    // An earlier run may have sent any of these.
    this.written = restored.at(-1)?.seq ?? 0;
  }

  /** Of frames and their keeping. */
  get bytes(): number {
    return this.held;
  }

  get count(): number {
    return this.entries.length - this.first;
  }

  /** The newest seq that is held; undefined: none is. */
  get last(): number | undefined {
    return this.count > 0 ? this.entries.at(-1)?.seq : undefined;
  }

  /** The highest seq that was ever written to a socket. */
  get lastWritten(): number {
    return this.written;
  }

  /** Written to the connection at hand and not acknowledged. */
  get inFlight(): number {
    return this.unsent - this.first;
  }

  /** Takes the frame and returns what had to make room. Throws OutboxFull by policy, or for a frame that never fits. */
  add(draft: FrameDraft): FrameDraft[] {
    const needed = cost(draft);
    const { bytes, whenFull } = this.limits;
    if (needed > bytes || (whenFull === 'refuse' && this.held + needed > bytes))
      throw new OutboxFull(needed, bytes);
    this.file?.append(draft);
    const dropped: FrameDraft[] = [];
    while (this.held + needed > bytes) dropped.push(this.shift());
    const last = dropped.at(-1);
    if (last) this.file?.release(last.seq);
    this.keep(draft);
    return dropped;
  }

  /** The next frame to write to the connection at hand, or null. */
  next(): FrameDraft | null {
    const draft = this.entries[this.unsent];
    if (!draft) return null;
    this.unsent += 1;
    this.written = Math.max(this.written, draft.seq);
    return draft;
  }

  /** P-4.2: cumulative, and never for what was not sent. Returns the frames that this ack released. */
  acknowledge(seq: number): FrameDraft[] {
    const released: FrameDraft[] = [];
    const last = Math.min(seq, this.written);
    while (this.seqAt(this.first) <= last) released.push(this.shift());
    if (released.length > 0) this.file?.release(last);
    return released;
  }

  /** Gives up one frame; null if it is not here. */
  remove(seq: number): FrameDraft | null {
    const index = this.entries.findIndex((draft, at) => at >= this.first && draft.seq === seq);
    const draft = this.entries[index];
    if (!draft) return null;
    this.file?.remove(seq);
    this.entries.splice(index, 1);
    this.held -= cost(draft);
    if (index < this.unsent) this.unsent -= 1;
    return draft;
  }

  /** A new connection has got nothing yet. Returns how many frames an earlier one had got. */
  rewind(): number {
    this.unsent = this.first;
    let again = 0;
    while (this.seqAt(this.first + again) <= this.written) again += 1;
    return again;
  }

  private seqAt(index: number): number {
    return this.entries[index]?.seq ?? Number.POSITIVE_INFINITY;
  }

  private keep(draft: FrameDraft): void {
    this.entries.push(draft);
    this.held += cost(draft);
  }

  private shift(): FrameDraft {
    const draft = this.entries[this.first] as FrameDraft;
    // Its bytes must not stay in memory until the entry is cut off.
    this.entries[this.first] = GONE;
    this.first += 1;
    this.unsent = Math.max(this.unsent, this.first);
    this.held -= cost(draft);
    if (this.first >= 64 && this.first * 2 >= this.entries.length) this.compact();
    return draft;
  }

  private compact(): void {
    this.entries = this.entries.slice(this.first);
    this.unsent -= this.first;
    this.first = 0;
  }
}

function cost(draft: FrameDraft): number {
  return draft.bytes.length + KEEPING;
}

/** Above this the network is behind, and the rest stays in the outbox; bytes. */
const NETWORK_BEHIND = 262_144;

/** What the sender needs of a connection. */
export interface Wire {
  readonly bufferedBytes: number;
  send(bytes: Uint8Array, written?: () => void): void;
}

export interface SenderOptions {
  /** Frames that may be unacknowledged at once (P-3.1). */
  readonly window: number;
  /** Called with each frame before it is written. */
  readonly prepare: (draft: FrameDraft) => void;
}

export class Sender {
  private readonly outbox: Outbox;
  private readonly wire: Wire;
  private readonly options: SenderOptions;
  private state: 'ready' | 'network behind' | 'stopped' = 'ready';

  constructor(outbox: Outbox, wire: Wire, options: SenderOptions) {
    this.outbox = outbox;
    this.wire = wire;
    this.options = options;
  }

  /** Sends what may be sent now; call it when a frame came or an ack made room. */
  pump(): void {
    while (this.state === 'ready' && this.outbox.inFlight < this.options.window) {
      const draft = this.outbox.next();
      if (!draft) return;
      this.options.prepare(draft);
      if (this.wire.bufferedBytes > NETWORK_BEHIND) this.sendLast(draft);
      else this.wire.send(draft.bytes);
    }
  }

  /** The connection is over. */
  stop(): void {
    this.state = 'stopped';
  }

  private sendLast(draft: FrameDraft): void {
    this.state = 'network behind';
    this.wire.send(draft.bytes, () => {
      if (this.state === 'stopped') return;
      this.state = 'ready';
      this.pump();
    });
  }
}
