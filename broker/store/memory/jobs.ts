/** Owns the jobs of the memory engine: id → row. */
import type { JobQuery, JobRow } from '../command-ports.ts';
import { StoreError } from '../ports.ts';
import { deleteEnded, isOf, newest, openOnes } from './rows.ts';

export class MemoryJobs {
  private readonly rows = new Map<string, JobRow>();
  private highest = 0;

  lastNumber(): number {
    return this.highest;
  }

  open(): readonly JobRow[] {
    return openOnes(this.rows.values());
  }

  find(customer: string, id: string): JobRow | null {
    const row = this.rows.get(id);
    return row && isOf(row, customer) ? row : null;
  }

  list({ customer, ...page }: JobQuery): readonly JobRow[] {
    return newest(this.rows.values(), page, (row) => isOf(row, customer));
  }

  insert(row: JobRow): void {
    if (this.rows.has(row.id)) throw new StoreError('exists', `There is a job ${row.id} already.`);
    this.rows.set(row.id, { ...row });
    this.highest = Math.max(this.highest, row.number);
  }

  update({ id, endedAt, body }: Pick<JobRow, 'id' | 'endedAt' | 'body'>): void {
    const row = this.rows.get(id);
    if (row) this.rows.set(id, { ...row, endedAt, body });
  }

  deleteEnded(time: number, limit: number): number {
    return deleteEnded(this.rows, time, limit);
  }
}
