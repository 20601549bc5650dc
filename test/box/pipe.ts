/**
 * One direction of a simulated connection: bytes arrive in order, after a delay, and in pieces that are cut anywhere; whoever writes waits
 * when too much is on its way. Owns what was written and has not been read.
 */
import type { SimulatedProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import type { Owner, World } from './world.ts';

/** What the systems of both ends buffer together; beyond it a writer waits for the reader. */
const WINDOW_BYTES = 128 * 1024;

/** Of all connections that are made from now on. */
export interface Link {
  /** ms, one way. */
  readonly delay: readonly [least: number, most: number];
  /** How often a chunk arrives in pieces. */
  readonly pieces: number;
}

export interface PipeParts {
  readonly world: World;
  readonly random: SeededRandom;
  readonly link: Link;
  /** Bytes that may be on their way; beyond it a writer waits. */
  readonly window?: number;
}

interface PipeEvents {
  /** `sentAt`: when they were written; virtual ms. false: read no more until `resume`. */
  data(bytes: Uint8Array, sentAt: number): boolean;
  end(): void;
}

interface Chunk {
  /** null: the end. */
  readonly bytes: Uint8Array | null;
  readonly sentAt: number;
}

/** One direction. Owns what was written and has not been read. */
export class Pipe {
  bytes = 0;
  /** Since when a writer waits; virtual ms. null: none does. */
  stalledAt: number | null = null;
  /** When one last did; virtual ms. */
  stalledTo = Number.NEGATIVE_INFINITY;
  /** Who reads; null: an actor. */
  owner: SimulatedProcess | null = null;
  private readonly parts: PipeParts;
  private readonly events: PipeEvents;
  private readonly arrived: Chunk[] = [];
  private readonly waiting: { readonly written: () => void; readonly writer: Owner | null }[] = [];
  private state: 'connecting' | 'flowing' | 'paused' | 'stopped' = 'connecting';
  private readonly early: Chunk[] = [];
  /** When what was written last arrives; nothing overtakes it. */
  private lastArrival = 0;
  private delivering = false;

  constructor(parts: PipeParts, events: PipeEvents) {
    this.parts = parts;
    this.events = events;
  }

  private get window(): number {
    return this.parts.window ?? WINDOW_BYTES;
  }

  open(): void {
    if (this.state === 'connecting') this.state = 'flowing';
    for (const chunk of this.early.splice(0)) this.send(chunk);
  }

  /** `written` is called when the systems of both ends have room for what comes next. */
  write(bytes: Uint8Array, written: () => void): void {
    const { random, link, world } = this.parts;
    const sentAt = world.time;
    this.bytes += bytes.length;
    if (bytes.length > 1 && random.chance(link.pieces)) {
      const at = random.whole(1, bytes.length - 1);
      this.send({ bytes: bytes.slice(0, at), sentAt });
      this.send({ bytes: bytes.slice(at), sentAt });
    } else this.send({ bytes: bytes.slice(), sentAt });
    if (this.bytes <= this.window) written();
    else {
      this.stalledAt ??= world.time;
      this.waiting.push({ written, writer: world.current });
    }
  }

  end(): void {
    this.send({ bytes: null, sentAt: this.parts.world.time });
  }

  pause(): void {
    if (this.state === 'flowing') this.state = 'paused';
  }

  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'flowing';
    this.deliver();
  }

  /** Nothing arrives any more. */
  stop(): void {
    this.state = 'stopped';
  }

  private send(chunk: Chunk): void {
    if (this.state === 'stopped') return;
    if (this.state === 'connecting') {
      this.early.push(chunk);
      return;
    }
    const { world, random, link } = this.parts;
    const [least, most] = link.delay;
    this.lastArrival = Math.max(this.lastArrival, world.time + random.between(least, most));
    world.after(
      this.lastArrival - world.time,
      () => {
        this.arrived.push(chunk);
        this.deliverFirst();
      },
      null,
    );
  }

  /** What has just arrived needs no other turn, if nothing waits before it. */
  private deliverFirst(): void {
    if (this.delivering || this.state !== 'flowing') return;
    this.delivering = true;
    this.parts.world.as(this.owner, () => this.deliverOne());
  }

  /** One chunk at a time, in a turn of whoever reads. */
  private deliver(): void {
    if (this.delivering || this.state !== 'flowing' || this.arrived.length === 0) return;
    this.delivering = true;
    this.parts.world.after(0, () => this.deliverOne(), this.owner);
  }

  private deliverOne(): void {
    this.delivering = false;
    if (this.state !== 'flowing') return;
    const chunk = this.arrived.shift();
    if (chunk?.bytes === null) this.events.end();
    else if (chunk) {
      this.bytes -= chunk.bytes.length;
      if (!this.events.data(chunk.bytes, chunk.sentAt)) this.pause();
      this.makeRoom();
    }
    this.deliver();
  }

  /** Those who write are told in a turn of theirs. */
  private makeRoom(): void {
    if (this.bytes > this.window) return;
    if (this.stalledAt !== null) this.stalledTo = this.parts.world.time;
    this.stalledAt = null;
    for (const { written, writer } of this.waiting.splice(0)) this.parts.world.after(0, written, writer);
  }
}
