/** One device of the load: writes prebuilt frames and times their acks. Owns its socket, seq and open writes. */
import type { Socket } from 'node:net';
import { encodeHello } from '../broker/wire/encode.ts';
import type { Durations } from '../device-sim/durations.ts';
import { AckReader, maskedFrame, type NumberedWrite } from './wire.ts';

/** Writes whose ack is waited for; beyond these (a flood, or a server that sends none) times are not taken. */
const OPEN_WRITES = 16_384;

export class LoadDevice {
  private readonly socket: Socket;
  private readonly latencies: Durations;
  private open: { readonly dueAt: Float64Array; readonly lastSeq: Float64Array } | null = null;
  private oldest = 0;
  private newest = 0;
  /** Frames written. */
  seq = 0;

  constructor(socket: Socket, rest: Buffer, latencies: Durations) {
    this.socket = socket;
    this.latencies = latencies;
    const acks = new AckReader((seq) => this.acknowledged(seq));
    socket.on('data', (chunk) => acks.read(chunk as Buffer));
    // The server ends all connections when it stops; anything earlier shows in the figures.
    socket.on('error', () => socket.destroy());
    acks.read(rest);
    socket.write(maskedFrame(encodeHello({ boot: Math.floor(Math.random() * 2 ** 40) }), 2));
    socket.resume();
  }

  /** The kernel has taken everything, so that the prebuilt bytes may be used again. */
  get isFree(): boolean {
    return this.socket.writableLength === 0;
  }

  /** `due`: when this write should have been made, ms. */
  write(frames: NumberedWrite, due: number): void {
    frames.number(this.seq + 1);
    this.seq += frames.frames;
    // Made by the first write only: ten thousand idle devices need none.
    this.open ??= { dueAt: new Float64Array(OPEN_WRITES), lastSeq: new Float64Array(OPEN_WRITES) };
    if (this.newest - this.oldest < OPEN_WRITES) {
      const slot = this.newest % OPEN_WRITES;
      this.open.dueAt[slot] = due;
      this.open.lastSeq[slot] = this.seq;
      this.newest += 1;
    }
    this.socket.write(frames.bytes);
  }

  destroy(): void {
    this.socket.destroy();
  }

  private acknowledged(seq: number): void {
    if (!this.open) return;
    const { dueAt, lastSeq } = this.open;
    const now = performance.now();
    while (this.oldest < this.newest && (lastSeq[this.oldest % OPEN_WRITES] as number) <= seq) {
      this.latencies.add(now - (dueAt[this.oldest % OPEN_WRITES] as number));
      this.oldest += 1;
    }
  }
}
