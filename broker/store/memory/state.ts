/** Owns the last-known state of the memory engine: customer/device → row, the checkpoint and the log's cursors. */
import type { DeviceRow, StatePart } from '../ports.ts';

export class MemoryState {
  private readonly rows = new Map<string, DeviceRow>();
  private readonly positions = new Map<string, number>();
  private checkpoint = 0;
  /** See `StateStore.revisionCeiling`. */
  revisionCeiling = 0;

  devices(): readonly DeviceRow[] {
    return [...this.rows.values()];
  }

  saveDevices(rows: readonly DeviceRow[]): void {
    for (const row of rows) {
      const name = `${row.customer}/${row.device}`;
      const stored = this.rows.get(name);
      if (row.position >= (stored?.position ?? 0))
        this.rows.set(name, { ...row, parts: merged(stored, row) });
    }
  }

  checkpointPosition(): number {
    return this.checkpoint;
  }

  setCheckpointPosition(position: number): void {
    this.checkpoint = Math.max(this.checkpoint, position);
    for (const [name, row] of this.rows) {
      if (row.body === null && row.position < position) this.rows.delete(name);
    }
  }

  cursors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.positions);
  }

  saveCursors(cursors: Readonly<Record<string, number>>): void {
    for (const [name, position] of Object.entries(cursors)) {
      this.positions.set(name, Math.max(position, this.positions.get(name) ?? 0));
    }
  }
}

/** The parts of a device after `row`, in the order of their numbers. */
function merged(stored: DeviceRow | undefined, row: DeviceRow): readonly StatePart[] {
  if (row.body === null) return [];
  const parts = new Map((stored?.parts ?? []).map((part) => [part.part, part]));
  for (const part of row.parts ?? []) parts.set(part.part, part);
  return [...parts.values()].filter(({ body }) => body !== null).sort((a, b) => a.part - b.part);
}
