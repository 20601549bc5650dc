/** Owns the registered devices of the memory engine: customer/device → row. */
import type { RegisteredDeviceRow } from '../ports.ts';

export class MemoryRegistry {
  private readonly rows = new Map<string, RegisteredDeviceRow>();

  all(): readonly RegisteredDeviceRow[] {
    return [...this.rows.values()];
  }

  save(row: RegisteredDeviceRow): void {
    const name = `${row.customer}/${row.device}`;
    const registeredAt = this.rows.get(name)?.registeredAt ?? row.registeredAt;
    this.rows.set(name, { ...row, registeredAt });
  }

  delete(customer: string, device: string): void {
    this.rows.delete(`${customer}/${device}`);
  }
}
