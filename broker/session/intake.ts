/**
 * Holds what one device has sent and nobody has decoded yet, and stops and starts the reading of its socket (P-7.2).
 * Owns those bytes, the device's rates and whether it is read. Bytes are handed on in slices, so that no more is
 * decoded than the turn, the batch and the rate allow; while any wait, or there is no room for them, the socket is not
 * read: nothing is lost by that, TCP pushes back.
 */
import type { Timer } from '../base/clock.ts';
import { TokenBucket } from '../base/token-bucket.ts';

/** A slice, bytes. Small: with the dearest frames it costs about a millisecond, and no slice is stopped midway. */
export const SLICE = 4096;
/** A slice of a device whose last one was cheap; below what ws's parser calls full (16 KiB). */
const CHEAP_SLICE = 15 * 1024;
/** A slice is cheap that costs less than this many times its bytes; sensor readings cost ten times theirs. */
const CHEAP = 24;
/** A frame's own overhead, beside its bytes and items; for the budget of a turn, so that tiny frames are not free. */
const FRAME_COST = 64;
/** A device is quiet that sent no more than this cost in the current window of time (ms). */
const QUIET_COST = 16 * 1024;
const WINDOW = 128;

/** The socket's side, as an intake needs it. */
export interface Inlet {
  /** Hands bytes to the WebSocket, which passes on every whole message in them before this returns. */
  deliver(bytes: Uint8Array): void;
  /** Whether `deliver` may be called: not after a close frame, a fault of the framing, or the socket's end. */
  readonly isOpen: boolean;
  /** Bytes that were delivered and belong to a message whose rest has not come. */
  readonly unfinishedBytes: number;
  /** From the next instant on nothing comes from the kernel, until `startReading`. */
  stopReading(): void;
  startReading(): void;
}

export interface IntakeLimits {
  /** 0: no limit. */
  readonly framesPerSecond: number;
  /** Of cost (P-2.2); 0: no limit. */
  readonly bytesPerSecond: number;
}

export interface IntakeParts {
  readonly inlet: Inlet;
  readonly limits: IntakeLimits;
  /** Ends the connection: too many hold unfinished messages. */
  readonly overflow: () => void;
  /** Monotonic ms. */
  readonly now: number;
}

/** Who decides when an intake's bytes are decoded. */
export interface IntakeHolder {
  /** `bytes` came; `isFirst`: nothing of this device waited before, and it is within its rate. */
  arrived(intake: Intake, bytes: number, isFirst: boolean): void;
  /** `bytes` do not wait any more. */
  gone(bytes: number): void;
  /** One device more, or less, holds a large part of an unfinished message. Returns whether there is room for it. */
  unfinished(change: 1 | -1): boolean;
  /** The device is within its rate again. */
  ready(intake: Intake): void;
  leave(intake: Intake): void;
  /** Monotonic ms. */
  time(): number;
}

export class Intake {
  /**
   * `reading`: nothing waits. `queued`: bytes wait for a turn. `rate`: the device is above its rate. `parked`: nothing
   * waits here, but too much does of this customer. `closed`: the end.
   */
  private state: 'reading' | 'queued' | 'rate' | 'parked' | 'closed' = 'reading';
  private readonly holder: IntakeHolder;
  private readonly inlet: Inlet;
  private readonly overflow: () => void;
  private readonly frameRate: TokenBucket;
  private readonly costRate: TokenBucket;
  /** What waits: `first` from `at` on, then `more`. Idle devices are many, so there is no array for them. */
  private first: Uint8Array | null = null;
  private at = 0;
  private more: Uint8Array[] | null = null;
  /** Bytes that wait, and those of them and before them in the same chunks, which are kept as long. */
  bytes = 0;
  private kept = 0;
  private message: 'small' | 'unfinished' = 'small';
  /** Of the slice at hand. */
  private frames = 0;
  private cost = 0;
  private timer: Timer | null = null;
  /** Monotonic ms; while it is held. */
  private heldSince = 0;
  /** Before that, and not yet credited. */
  private heldFor = 0;
  private window = 0;
  private recent = 0;
  private slice = SLICE;

  constructor(holder: IntakeHolder, { inlet, limits, overflow, now }: IntakeParts) {
    this.holder = holder;
    this.inlet = inlet;
    this.overflow = overflow;
    this.frameRate = new TokenBucket(limits.framesPerSecond, now);
    this.costRate = new TokenBucket(limits.bytesPerSecond, now);
  }

  /**
   * The broker does not read this device's socket now, or holds what it sent: its silence says nothing of it (P-7.1).
   */
  get isHeld(): boolean {
    return this.state !== 'reading' && this.state !== 'closed';
  }

  get isQueued(): boolean {
    return this.state === 'queued';
  }

  get isParked(): boolean {
    return this.state === 'parked';
  }

  /** Whether it goes before those that flood: little waits, and little came lately. */
  isQuiet(now: number): boolean {
    return this.bytes <= SLICE && (this.window !== windowOf(now) || this.recent <= QUIET_COST);
  }

  /** What the kernel delivered; the intake keeps it. Returns whether to read on. */
  accept(chunk: Uint8Array): boolean {
    if (this.state === 'closed' || !this.inlet.isOpen) return true;
    if (this.first === null) this.first = chunk;
    else if (this.more === null) this.more = [chunk];
    else this.more.push(chunk);
    this.bytes += chunk.length;
    this.kept += chunk.length;
    this.holder.arrived(this, chunk.length, this.state === 'reading' || this.state === 'parked');
    return !this.isHeld;
  }

  /** One message was decoded, or refused. `cost` as the decoder summed it up, of which `bytes` were on the wire. */
  charge(cost: number, bytes: number): void {
    this.frames += 1;
    this.cost += cost - bytes;
  }

  /** Hands on one slice and returns what it cost. Called by the holder alone, as are the next four. */
  feed(): number {
    const slice = this.cut();
    this.frames = 0;
    this.cost = slice.length;
    this.inlet.deliver(slice);
    if (!this.inlet.isOpen) this.drop();
    this.keepUnfinished(this.state === 'closed' ? 0 : this.inlet.unfinishedBytes);
    this.slice = this.cost < CHEAP * slice.length ? CHEAP_SLICE : SLICE;
    return this.cost + this.frames * FRAME_COST;
  }

  /** Counts the slice that was fed, and says how long the device has to wait for its rate, ms; 0: not at all. */
  settle(now: number): number {
    const { frames, cost } = this;
    const window = windowOf(now);
    this.recent = (this.window === window ? this.recent : 0) + cost;
    this.window = window;
    return Math.max(this.frameRate.take(frames, now), this.costRate.take(cost, now));
  }

  /** Not read until `again`; `start` sets the timer. */
  wait(start: (again: () => void) => Timer): void {
    this.hold('rate');
    this.timer = start(() => {
      this.timer = null;
      this.holder.ready(this);
    });
  }

  hold(state: 'queued' | 'rate' | 'parked'): void {
    if (this.state === 'closed') return;
    if (this.state === 'reading') {
      this.heldSince = this.holder.time();
      this.inlet.stopReading();
    }
    this.state = state;
  }

  read(): void {
    if (this.state === 'closed' || this.state === 'reading') return;
    this.heldFor += this.holder.time() - this.heldSince;
    this.state = 'reading';
    this.inlet.startReading();
  }

  /**
   * How long the device was held since this was last asked, ms. What it sent in that time is read together now, and no
   * more of it than that time allowed is a flood.
   */
  takeHeldTime(now: number): number {
    if (this.isHeld) {
      this.heldFor += now - this.heldSince;
      this.heldSince = now;
    }
    const time = this.heldFor;
    this.heldFor = 0;
    return time;
  }

  /** The broker ends the connection: what is left is read as fast as turns allow, for the answer to its close frame. */
  release(): void {
    this.frameRate.lift();
    this.costRate.lift();
    if (this.state !== 'rate') return;
    this.timer?.cancel();
    this.timer = null;
    this.holder.ready(this);
  }

  /** The connection is over: what waits is dropped, and whoever calls back later finds nothing to do. Idempotent. */
  close(): void {
    if (this.state === 'closed') return;
    this.drop();
    this.keepUnfinished(0);
    this.timer?.cancel();
    this.timer = null;
    this.state = 'closed';
    this.holder.leave(this);
  }

  private drop(): void {
    this.holder.gone(this.kept);
    this.first = this.more = null;
    this.at = this.bytes = this.kept = 0;
  }

  /** A message of which more than a slice is here may keep as much as the largest one. */
  private keepUnfinished(bytes: number): void {
    const message = bytes > SLICE ? 'unfinished' : 'small';
    if (message === this.message) return;
    this.message = message;
    const hasRoom = this.holder.unfinished(message === 'unfinished' ? 1 : -1);
    if (!hasRoom) this.overflow();
  }

  /** The next slice of what waits, with at most so much memory behind it that a WebSocket may keep the end of it. */
  private cut(): Uint8Array {
    const chunk = this.first as Uint8Array;
    const isLarge = chunk.buffer.byteLength > 2 * CHEAP_SLICE;
    const last = isLarge ? Math.max(this.at, chunk.length - SLICE) : chunk.length;
    const end = this.at < last ? Math.min(last, this.at + this.slice) : chunk.length;
    const slice = chunk.subarray(this.at, end);
    this.at = end;
    this.bytes -= slice.length;
    if (end === chunk.length) {
      this.first = this.more?.shift() ?? null;
      this.at = 0;
      this.kept -= chunk.length;
      this.holder.gone(chunk.length);
    }
    // The beginning of a frame at the end of 64 KiB would keep all of them until its rest comes, on every socket.
    return isLarge && end === chunk.length ? new Uint8Array(slice) : slice;
  }
}

function windowOf(now: number): number {
  return Math.floor(now / WINDOW);
}
