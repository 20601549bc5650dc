/**
 * Devices that keep a ledger: what they sent and what was acknowledged, to be held against what the broker has. They
 * come back as soon as they are told where the broker is, and resume as the protocol page says (P-3.2).
 */
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { type BrokerFrame, FRAME } from '../../broker/wire/frames.ts';
import { connect, type TestDevice } from '../helpers/device.ts';

/** Frames unacknowledged at most. */
const WINDOW = 64;

export class LedgerDevice {
  readonly id: string;
  readonly boot = 4711;
  /** The highest seq that was written, and that was acknowledged. */
  sent = 0;
  acknowledged = 0;
  private readonly key: string;

  constructor(id: string, key: string) {
    this.id = id;
    this.key = key;
  }

  /** Sends as fast as it is acknowledged, until the connection is cut. `acked` is called for each ack. */
  async sendUntilCut(url: string, acked: () => void): Promise<void> {
    const device = await this.resume(url);
    for (let open = device !== null; device && open; ) {
      while (this.sent - this.acknowledged < WINDOW) this.sendNext(device);
      open = await this.takeAck(device);
      if (open) acked();
    }
  }

  /** Sends what is not acknowledged and waits until it is. */
  async finish(url: string): Promise<void> {
    const device = await this.resume(url);
    if (!device) throw new Error(`${this.id} cannot connect`);
    while (this.acknowledged < this.sent) {
      if (!(await this.takeAck(device))) throw new Error(`${this.id} was cut`);
    }
  }

  /** P-3.2; null if the broker was killed meanwhile. Throws if the broker lost what it had acknowledged. */
  private async resume(url: string): Promise<TestDevice | null> {
    const device = await this.connect(url);
    if (!device) return null;
    device.send(encodeHello({ boot: this.boot, ackWithin: 0 }));
    const welcome = await nextFrame(device);
    const held = await nextFrame(device);
    if (welcome === null || held === null) return null;
    if (held.kind !== FRAME.ack) throw new Error(`${this.id}: frame ${held.kind} came in answer to hello`);
    if (held.seq < this.acknowledged || held.seq > this.sent) {
      throw new Error(
        `${this.id}: ${this.acknowledged} of ${this.sent} were acknowledged, held: ${held.seq}`,
      );
    }
    this.acknowledged = held.seq;
    for (let seq = held.seq + 1; seq <= this.sent; seq += 1) device.send(frame(seq));
    return device;
  }

  private async connect(url: string): Promise<TestDevice | null> {
    try {
      return await connect(url, { key: this.key, path: `/v1/device?device=${this.id}` });
    } catch (error) {
      if (isCut(error)) return null;
      throw error;
    }
  }

  private sendNext(device: TestDevice): void {
    this.sent += 1;
    device.send(frame(this.sent));
  }

  /** false: cut. */
  private async takeAck(device: TestDevice): Promise<boolean> {
    const next = await nextFrame(device);
    if (next === null) return false;
    if (next.kind !== FRAME.ack) throw new Error(`${this.id}: frame ${next.kind} instead of an ack`);
    this.acknowledged = next.seq;
    return true;
  }
}

function frame(seq: number): Uint8Array {
  return encodeTelemetry(seq, null, { n: seq, temp: 21.5, rpm: 1450 });
}

/** null: the connection is over. */
function nextFrame(device: TestDevice): Promise<BrokerFrame | null> {
  return Promise.race([device.next(), device.closed.then(() => null)]);
}

function isCut(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || /hang up/.test((error as Error).message);
}
