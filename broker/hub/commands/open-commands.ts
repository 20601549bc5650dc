/**
 * Owns every command that is not final: by its id, for each device in the order of creation, and how many each customer and
 * each of its keys has.
 */
import type { Entry } from './entry.ts';
import { isWaiting } from './life.ts';

export class OpenCommands {
  private readonly byId = new Map<string, Entry>();
  private readonly byDevice = new Map<string, Set<Entry>>();
  /** By customer, and by `customer/key`. */
  private readonly counts = new Map<string, number>();

  get size(): number {
    return this.byId.size;
  }

  find(customer: string, id: string): Entry | null {
    return this.byId.get(`${customer}/${id}`) ?? null;
  }

  /** Oldest first. */
  of(customer: string, device: string): readonly Entry[] {
    return [...(this.byDevice.get(`${customer}/${device}`) ?? [])];
  }

  count(customer: string, device: string): number {
    return this.byDevice.get(`${customer}/${device}`)?.size ?? 0;
  }

  countOfCustomer(customer: string): number {
    return this.counts.get(customer) ?? 0;
  }

  /** Those that one key has asked of one customer's devices. */
  countOfKey(customer: string, key: string): number {
    return this.counts.get(`${customer}/${key}`) ?? 0;
  }

  all(): Iterable<Entry> {
    return this.byId.values();
  }

  /** In the order of `number`. */
  add(entry: Entry): void {
    const { customer, device, id } = entry.command;
    this.byId.set(`${customer}/${id}`, entry);
    this.addTo(entry.command, 1);
    const name = `${customer}/${device}`;
    const entries = this.byDevice.get(name) ?? new Set();
    this.byDevice.set(name, entries.add(entry));
  }

  remove(entry: Entry): void {
    const { customer, device, id } = entry.command;
    if (!this.byId.delete(`${customer}/${id}`)) return;
    this.addTo(entry.command, -1);
    const name = `${customer}/${device}`;
    const entries = this.byDevice.get(name);
    entries?.delete(entry);
    if (entries?.size === 0) this.byDevice.delete(name);
  }

  private addTo({ customer, by }: Entry['command'], change: 1 | -1): void {
    for (const owner of [customer, `${customer}/${by}`]) {
      const count = (this.counts.get(owner) ?? 0) + change;
      if (count === 0) this.counts.delete(owner);
      else this.counts.set(owner, count);
    }
  }
}

/** Written to this connection, or about to be, and not accepted yet. */
export function isInFlight({ command, session }: Entry, to: string): boolean {
  return session === to && isWaiting(command);
}
