/** Owns the commands of the memory engine: customer/id → row. */
import type { CommandQuery, CommandRow } from '../command-ports.ts';
import { deleteEnded, isOf, newest, openOnes } from './rows.ts';

export class MemoryCommands {
  private readonly rows = new Map<string, CommandRow>();
  /** By number; a number is never given twice. */
  private readonly names = new Map<number, string>();
  private highest = 0;

  lastNumber(): number {
    return this.highest;
  }

  open(): readonly CommandRow[] {
    return openOnes(this.rows.values());
  }

  find(customer: string, id: string): readonly CommandRow[] {
    return [...this.rows.values()].filter((row) => row.id === id && isOf(row, customer));
  }

  list({ customer, device, job, ...page }: CommandQuery): readonly CommandRow[] {
    const fits = (row: CommandRow) =>
      isOf(row, customer) && (device === null || row.device === device) && (job === null || row.job === job);
    return newest(this.rows.values(), page, fits);
  }

  /** As in SQL, what never changes stays as it was first saved. */
  save(rows: readonly CommandRow[]): void {
    for (const row of rows) this.requireFree(row);
    for (const row of rows) {
      const { status, endedAt, position, body } = row;
      this.rows.set(nameOf(row), { ...(this.rows.get(nameOf(row)) ?? row), status, endedAt, position, body });
      this.names.set(row.number, nameOf(row));
      this.highest = Math.max(this.highest, row.number);
    }
  }

  deleteEnded(time: number, limit: number): number {
    return deleteEnded(this.rows, time, limit);
  }

  private requireFree(row: CommandRow): void {
    const name = this.names.get(row.number) ?? nameOf(row);
    if (name !== nameOf(row)) throw new Error(`The number ${row.number} is that of the command ${name}.`);
  }
}

function nameOf({ customer, id }: CommandRow): string {
  return `${customer}/${id}`;
}
