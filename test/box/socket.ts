/** The end of a simulated connection that a simulated process holds: as much of Node's socket as HTTP, ws and the broker use. */
import { Duplex } from 'node:stream';
import type { Timer } from '../../broker/base/clock.ts';
import type { SimulatedProcess } from './process.ts';
import { wordsOfBroker, wordsOfMqtt } from './story.ts';
import type { World } from './world.ts';

interface SocketParts {
  readonly process: SimulatedProcess;
  readonly world: World;
  readonly name: string;
  readonly from: string;
  write(bytes: Uint8Array, written: () => void): void;
  end(): void;
  reading(isReading: boolean): void;
  destroyed(): void;
}

export class SimulatedSocket extends Duplex {
  readonly remoteAddress: string;
  readonly remotePort = 40_000;
  readonly encrypted = false;
  readonly connecting = false;
  bytesRead = 0;
  bytesWritten = 0;
  /** As the broker stops a socket at once (edge/device-socket.ts). */
  readonly _handle: { reading: boolean; readStart: () => number; readStop: () => number };
  private readonly parts: SocketParts;
  private timeoutMs = 0;
  private timeout: Timer | null = null;

  constructor(parts: SocketParts) {
    super({ allowHalfOpen: true, autoDestroy: true, emitClose: true });
    this.parts = parts;
    this.remoteAddress = parts.from.startsWith('10.') ? parts.from : '10.0.0.1';
    this._handle = {
      reading: false,
      readStart: () => {
        parts.reading(true);
        return 0;
      },
      readStop: () => {
        parts.reading(false);
        return 0;
      },
    };
    parts.reading(false);
  }

  setTimeout(milliseconds: number, run?: () => void): this {
    this.timeoutMs = milliseconds;
    if (run && milliseconds > 0) this.once('timeout', run);
    this.active();
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** What has arrived; null: the other end sends no more. Whether to go on. */
  deliver(bytes: Uint8Array | null): boolean {
    if (this.destroyed) return true;
    this.active();
    if (bytes === null) {
      this.push(null);
      return true;
    }
    this.bytesRead += bytes.length;
    if (!this.push(Buffer.from(bytes))) this._handle.reading = false;
    return this._handle.reading;
  }

  override _read(): void {
    if (this._handle.reading) return;
    this._handle.reading = true;
    this.parts.reading(true);
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.active();
    const { process, world, name } = this.parts;
    if (!process.effect()) return;
    world.note(name, 'gets', bytes, name.startsWith('mqtt:') ? wordsOfMqtt : wordsOfBroker);
    this.bytesWritten += bytes.length;
    this.parts.write(bytes, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: () => void): void {
    if (this.parts.process.effect()) this.parts.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.timeout?.cancel();
    this._handle.reading = false;
    if (this.parts.process.effect()) this.parts.destroyed();
    done(error);
  }

  private active(): void {
    this.timeout?.cancel();
    this.timeout = null;
    if (this.timeoutMs <= 0 || this.destroyed) return;
    const { world, process } = this.parts;
    this.timeout = world.after(this.timeoutMs, () => this.emit('timeout'), process);
  }
}
