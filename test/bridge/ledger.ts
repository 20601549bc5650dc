/** What the subscriber was given of each device, by seq: whether all is there, in order, and how often. */
import type { Received, Subscriber } from './subscriber.ts';

export class Ledger {
  private readonly subscriber: Subscriber;

  constructor(subscriber: Subscriber) {
    this.subscriber = subscriber;
  }

  /** Resolves when every seq from 1 to `last` of every device has come. */
  async complete(devices: readonly string[], last: number): Promise<void> {
    await Promise.all(devices.map((device) => this.reached(device, last)));
    for (const device of devices) {
      const there = new Set(this.seqs(device));
      const missing = range(last).filter((seq) => !there.has(seq));
      if (missing.length > 0)
        throw new Error(`of ${device} ${missing.length} are missing, first ${missing[0]}`);
    }
  }

  /** Resolves when this seq of the device has come. */
  reached(device: string, seq: number): Promise<void> {
    const part = `"seq":${seq},`;
    const topic = `signalbox/acme/${device}/telemetry`;
    const fits = (one: Received | undefined) => one?.topic === topic && one.text.includes(part);
    let looked = 0;
    return this.subscriber.until((all) => {
      const from = looked;
      looked = all.length;
      return all.slice(from).some(fits);
    });
  }

  /** Devices of which a seq came for the first time after a later one. */
  disorder(): string[] {
    const devices = new Set(this.subscriber.received.map(({ topic }) => topic.split('/')[2] as string));
    return [...devices].filter((device) => {
      const firsts = [...new Set(this.seqs(device))];
      return firsts.some((seq, index) => index > 0 && seq <= (firsts[index - 1] as number));
    });
  }

  /** Without those that the server itself sent again, since the subscriber's acknowledgement was missing. */
  copies(): number {
    return this.subscriber.received.filter(({ packet }) => !packet.dup).length;
  }

  private seqs(device: string): number[] {
    const topic = `signalbox/acme/${device}/telemetry`;
    return this.subscriber.texts(topic).map((text) => JSON.parse(text).seq as number);
  }
}

function range(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
