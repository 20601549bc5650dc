/**
 * Devices that were forgotten and whose retained topics the peer still holds. Owns their names until the peer has taken
 * the empty messages that clear them; what is forgotten while nobody is connected waits here until the process ends, and
 * after that the peer's own retained messages tell (echoes.ts).
 */
import type { Outgoing } from './outbox.ts';
import { type DeviceRoute, deviceTopic } from './topics.ts';

/** Beyond, the peer's own retained messages have to tell at the next connect. */
const NAMES = 100_000;

export class Forgotten {
  private readonly baseTopic: string;
  private readonly routes: readonly DeviceRoute[];
  /** `customer/device`: to be cleared, and with the thread. */
  private readonly waiting = new Set<string>();
  private readonly clearing = new Set<string>();

  /** `routes`: of which the peer retains something. */
  constructor(baseTopic: string, routes: readonly DeviceRoute[]) {
    this.baseTopic = baseTopic;
    this.routes = routes;
  }

  add(name: string): void {
    if (this.routes.length > 0 && this.waiting.size < NAMES) this.waiting.add(name);
  }

  /** A new connection: whether the last one took what it was given is not known. */
  again(): void {
    for (const name of this.clearing) this.waiting.add(name);
    this.clearing.clear();
  }

  /** Messages of at most `limit` devices. */
  take(limit: number): Outgoing[] {
    const messages: Outgoing[] = [];
    let taken = 0;
    for (const name of this.waiting) {
      if (taken >= limit) break;
      taken += 1;
      this.waiting.delete(name);
      this.clearing.add(name);
      messages.push(...this.clear(name));
    }
    return messages;
  }

  /** Empty retained payloads (MQTT, section 3.3.1.3). */
  private clear(name: string): Outgoing[] {
    const [customer = '', device = ''] = name.split('/');
    const settled = () => void this.clearing.delete(name);
    return this.routes.map((route, index) => ({
      topic: deviceTopic(this.baseTopic, customer, device, route),
      payload: '',
      qos: 1,
      retain: true,
      correlationData: null,
      ...(index === this.routes.length - 1 && { settled }),
    }));
  }
}
