/**
 * What the peer holds of the bridge itself: a stale `offline` in the status topic (the will of a connection that was
 * replaced may be published after the new one's birth), and availability of devices that were forgotten while nobody
 * was connected. Listens to the former all the time, to the latter for a while after each connect.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { Link, PeerMessage } from '../mqtt/link.ts';
import { everyDevice, parseDeviceTopic, statusTopic } from '../topics.ts';

export interface EchoesParts {
  readonly baseTopic: string;
  readonly wrongStatus: () => void;
  /** `customer/device` of retained availability. */
  readonly retained: (devices: readonly string[]) => void;
  readonly clock: Clock;
}

/** A server sends what it retains right after the subscription. */
const RETAINED_MS = 10_000;
/** Two bridges that fight for one topic shall not do it at full speed. */
const STATUS_PAUSE_MS = 1000;

export class Echoes {
  private readonly parts: EchoesParts;
  private readonly status: string;
  private devices: string[] = [];
  private telling: 'no' | 'soon' = 'no';
  private correction: Timer | null = null;
  /** Monotonic ms. */
  private correctedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: EchoesParts) {
    this.parts = parts;
    this.status = statusTopic(parts.baseTopic);
  }

  listen(link: Link, refused: (filter: string) => (message: string) => void): void {
    const availability = everyDevice(this.parts.baseTopic, 'availability');
    // A will counts as published by its own client.
    link.subscribe(this.status, { qos: 0, from: 'all', retain: 'as-held' }, refused(this.status));
    link.subscribe(availability, { qos: 0, from: 'others', retain: 'as-held' }, refused(availability));
    this.parts.clock.after(RETAINED_MS, () => link.open && link.unsubscribe(availability));
  }

  /** false: it is for somebody else. */
  take({ topic, payload, retain }: PeerMessage): boolean {
    if (topic === this.status) {
      if (Buffer.from(payload).toString() !== 'online') this.correct();
      return true;
    }
    const device = parseDeviceTopic(this.parts.baseTopic, topic, 'availability');
    if (!device) return false;
    if (retain && payload.length > 0) this.found(`${device.customer}/${device.device}`);
    return true;
  }

  private correct(): void {
    const { clock, wrongStatus } = this.parts;
    if (this.correction) return;
    const pause = Math.max(0, this.correctedAt + STATUS_PAUSE_MS - clock.monotonic());
    this.correction = clock.after(pause, () => {
      this.correction = null;
      this.correctedAt = clock.monotonic();
      wrongStatus();
    });
  }

  private found(device: string): void {
    this.devices.push(device);
    if (this.telling === 'soon') return;
    this.telling = 'soon';
    setImmediate(() => {
      this.telling = 'no';
      this.parts.retained(this.devices);
      this.devices = [];
    });
  }
}
