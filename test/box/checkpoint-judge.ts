/**
 * Judges the checkpoint by what the database is told and what is durable in the log: a position that it stands for has its rows, and what lies beyond it is
 * never taken from the log. Owns, for each device, the positions that its row does not hold yet.
 */
import type { DeviceRow } from '../../broker/store/ports.ts';
import type { MethodCall } from '../../broker/store/sqlite/methods.ts';
import type { Box } from './box.ts';
import type { DurableEntry } from './durable.ts';

const RULES = {
  rows: 'a checkpoint has its rows',
  kept: 'what the checkpoint does not hold stays in the log',
} as const;

/** Frames that change state; commands and documents have rows of their own. */
const OF_STATE: ReadonlySet<number> = new Set([1, 2, 3]);

export class CheckpointJudge {
  private readonly box: Box;
  /** Rising. */
  private readonly beyondRow = new Map<string, number[]>();
  private position = 0;

  constructor(box: Box) {
    this.box = box;
    box.faults.declare(Object.values(RULES));
    box.ears.add({ durable: (entry) => this.durable(entry), stored: (call) => this.stored(call) });
  }

  /** Of the disk. `end`: of the segment that it removed. */
  removed(path: string, end: number): void {
    this.box.faults.check(RULES.kept, end <= this.position, () => {
      return `${path} was removed, up to ${end}; the checkpoint stands for ${this.position}`;
    });
  }

  private durable(entry: DurableEntry): void {
    if (entry.kind !== 'frame' || !OF_STATE.has(entry.frame.kind)) return;
    const { customer, device } = entry.source;
    const name = `${customer}/${device}`;
    const positions = this.beyondRow.get(name) ?? [];
    this.beyondRow.set(name, positions);
    if (positions.at(-1) !== entry.position) positions.push(entry.position);
  }

  private stored({ method, args }: MethodCall): void {
    if (method === 'saveDevices') for (const row of args[0] as readonly DeviceRow[]) this.saved(row);
    else if (method === 'setCheckpointPosition') this.stands(Number(args[0]));
  }

  private saved({ customer, device, position }: DeviceRow): void {
    const positions = this.beyondRow.get(`${customer}/${device}`);
    const held = positions?.findIndex((one) => one >= Number(position)) ?? 0;
    positions?.splice(0, held === -1 ? positions.length : held);
  }

  private stands(position: number): void {
    this.position = Math.max(this.position, position);
    for (const [name, [oldest]] of this.beyondRow) {
      this.box.faults.check(RULES.rows, oldest === undefined || oldest >= position, () => {
        return `the checkpoint stands for ${position}; the row of ${name} lacks ${oldest}`;
      });
    }
  }
}
