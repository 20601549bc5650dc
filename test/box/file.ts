/**
 * A file of the simulated disk: what its readers see, and what a loss of power leaves of it for certain. A write and a sync cost what they
 * write, however long the file is. Owns both contents.
 */
import type { SeededRandom } from './random.ts';

/** What reaches a disk whole or not at all. */
const PAGE = 512;

export class SimulatedFile {
  modifiedAt: number;
  private readonly now = new Content();
  private readonly safe = new Content();
  /** Durable bytes after which more has become durable. */
  settled = 0;
  /** Where the two begin to differ, at the earliest. */
  private changedFrom = 0;

  constructor(modifiedAt: number) {
    this.modifiedAt = modifiedAt;
  }

  /** As a reader sees it; not to be kept. */
  get content(): Buffer {
    return this.now.view;
  }

  /** What a loss of power leaves for certain; not to be kept. */
  get synced(): Buffer {
    return this.safe.view;
  }

  write(bytes: Uint8Array, position: number): void {
    this.changedFrom = Math.min(this.changedFrom, position, this.now.view.length);
    this.now.resize(Math.max(this.now.view.length, position + bytes.length));
    this.now.view.set(bytes, position);
  }

  truncate(bytes: number): void {
    this.changedFrom = Math.min(this.changedFrom, bytes, this.now.view.length);
    this.now.resize(bytes);
    this.settled = Math.min(this.settled, bytes);
  }

  sync(): void {
    if (this.now.view.length > this.safe.view.length) this.settled = this.safe.view.length;
    this.safe.resize(this.now.view.length);
    this.now.view.copy(this.safe.view, this.changedFrom, this.changedFrom);
    this.changedFrom = this.now.view.length;
  }

  /** Each page that was written since the last sync came to the disk, or did not; the length lies anywhere between. */
  losePower(random: SeededRandom): void {
    const { content, synced } = this;
    if (content.equals(synced)) return;
    const whole = random.chance(0.3);
    // The length came to the disk, or the pages did, or any of both.
    const length =
      whole || random.chance(0.5)
        ? content.length
        : random.whole(Math.min(synced.length, content.length), content.length);
    this.settled = Math.min(this.settled, length);
    this.safe.resize(length);
    for (let at = 0; at < length; at += PAGE) {
      if (whole || random.chance(0.5)) content.copy(this.safe.view, at, at, Math.min(length, at + PAGE));
    }
    this.now.resize(length);
    this.safe.view.copy(this.now.view);
    this.changedFrom = length;
  }

  /** Where it lies, whether it is synced or not. */
  flip(at: number, mask: number): void {
    for (const { view } of [this.now, this.safe]) {
      if (at < view.length) view[at] = (view[at] as number) ^ mask;
    }
  }
}

/** Bytes whose number changes; what is new is 0. */
class Content {
  view: Buffer = Buffer.alloc(0);
  private memory: Buffer = Buffer.alloc(0);

  resize(length: number): void {
    const { view } = this;
    if (length === view.length) return;
    if (length > this.memory.length) {
      this.memory = Buffer.alloc(Math.max(4096, length, Math.min(length * 2, length + 65_536)));
      view.copy(this.memory);
    } else if (length > view.length) this.memory.fill(0, view.length, length);
    this.view = this.memory.subarray(0, length);
  }
}
