/** Owns every command that is not final: by its id, and for each device in the order of creation. */
import type { Entry } from './entry.ts';
import { isWaiting } from './life.ts';

export class OpenCommands {
  private readonly byId = new Map<string, Entry>();
  private readonly byDevice = new Map<string, Set<Entry>>();

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

  all(): Iterable<Entry> {
    return this.byId.values();
  }

  /** In the order of `number`. */
  add(entry: Entry): void {
    const { customer, device, id } = entry.command;
    this.byId.set(`${customer}/${id}`, entry);
    const name = `${customer}/${device}`;
    const entries = this.byDevice.get(name) ?? new Set();
    this.byDevice.set(name, entries.add(entry));
  }

  remove(entry: Entry): void {
    const { customer, device, id } = entry.command;
    this.byId.delete(`${customer}/${id}`);
    const name = `${customer}/${device}`;
    const entries = this.byDevice.get(name);
    entries?.delete(entry);
    if (entries?.size === 0) this.byDevice.delete(name);
  }
}

/** Written to this connection, or about to be, and not accepted yet. */
export function isInFlight({ command, session }: Entry, to: string): boolean {
  return session === to && isWaiting(command);
}
