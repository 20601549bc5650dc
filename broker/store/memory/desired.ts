/** Owns the desired and reported state of the memory engine: customer/device → row. */
import type { DesiredRow } from '../command-ports.ts';

export class MemoryDesired {
  private readonly rows = new Map<string, DesiredRow>();

  all(): readonly DesiredRow[] {
    return [...this.rows.values()];
  }

  save(rows: readonly DesiredRow[]): void {
    for (const row of rows) {
      const name = `${row.customer}/${row.device}`;
      if (row.body === null) this.rows.delete(name);
      else this.rows.set(name, { ...row });
    }
  }
}
