/**
 * Packet ids of what mqtt.js sends itself (SUBSCRIBE, UNSUBSCRIBE): from the top of the range, so that they never meet
 * those of the window (MQTT, section 2.2.1), which count from one. Owns the ids in use.
 */
import type { IClientOptions } from 'mqtt';
import { MAX_IN_FLIGHT } from './thread/window.ts';

type MessageIdProvider = NonNullable<IClientOptions['messageIdProvider']>;

const FIRST = MAX_IN_FLIGHT + 1;
const LAST = 65_535;

export class PacketIds implements MessageIdProvider {
  private readonly used = new Set<number>();
  private last = FIRST - 1;

  /** null: all are in use. */
  allocate(): number | null {
    for (let tries = FIRST; tries <= LAST; tries += 1) {
      this.last = this.last === LAST ? FIRST : this.last + 1;
      if (this.register(this.last)) return this.last;
    }
    return null;
  }

  getLastAllocated(): number | null {
    return this.last < FIRST ? null : this.last;
  }

  /** false: it is in use. */
  register(id: number): boolean {
    if (this.used.has(id)) return false;
    this.used.add(id);
    return true;
  }

  deallocate(id: number): void {
    this.used.delete(id);
  }

  clear(): void {
    this.used.clear();
  }
}
