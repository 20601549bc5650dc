/** The database in maps, for tests. Keeps the promises of `ports.ts` except that nothing outlives the process. */
import {
  type BrowserSessionRow,
  type Database,
  type DeviceRow,
  type Durability,
  type KeyRow,
  StoreError,
} from '../ports.ts';
import { MemoryRecords } from './records.ts';

export class MemoryDatabase extends MemoryRecords implements Database {
  readonly durability: Durability = 'process';
  private readonly devices = new Map<string, DeviceRow>();
  private readonly keys = new Map<string, KeyRow>();
  private readonly sessions = new Map<string, BrowserSessionRow>();
  private readonly cursors = new Map<string, number>();
  private checkpoint = 0;
  private state: 'new' | 'open' | 'stopped' = 'new';

  async start(): Promise<void> {
    this.state = 'open';
  }

  async stop(): Promise<void> {
    this.state = 'stopped';
  }

  async *loadDevices(): AsyncGenerator<readonly DeviceRow[]> {
    this.requireOpen();
    if (this.devices.size > 0) yield [...this.devices.values()];
  }

  async saveDevices(rows: readonly DeviceRow[]): Promise<void> {
    this.requireOpen();
    for (const row of rows) {
      const name = `${row.customer}/${row.device}`;
      if (row.position >= (this.devices.get(name)?.position ?? 0)) this.devices.set(name, { ...row });
    }
  }

  async checkpointPosition(): Promise<number> {
    this.requireOpen();
    return this.checkpoint;
  }

  async setCheckpointPosition(position: number): Promise<void> {
    this.requireOpen();
    this.checkpoint = Math.max(this.checkpoint, position);
    for (const [name, row] of this.devices) {
      if (row.body === null && row.position < position) this.devices.delete(name);
    }
  }

  async loadCursors(): Promise<Readonly<Record<string, number>>> {
    this.requireOpen();
    return Object.fromEntries(this.cursors);
  }

  async saveCursors(cursors: Readonly<Record<string, number>>): Promise<void> {
    this.requireOpen();
    for (const [name, position] of Object.entries(cursors)) {
      this.cursors.set(name, Math.max(position, this.cursors.get(name) ?? 0));
    }
  }

  async loadKeys(): Promise<readonly KeyRow[]> {
    this.requireOpen();
    return [...this.keys.values()];
  }

  async insertKey(row: KeyRow): Promise<void> {
    this.requireOpen();
    if (this.keys.has(row.id)) throw new StoreError('exists', `There is a key ${row.id} already.`);
    this.keys.set(row.id, { ...row });
  }

  async updateKeys(rows: readonly KeyRow[]): Promise<void> {
    this.requireOpen();
    for (const { id, label, expiresAt, revokedAt, lastUsedAt } of rows) {
      const key = this.keys.get(id);
      if (key) this.keys.set(id, { ...key, label, expiresAt, revokedAt, lastUsedAt });
    }
  }

  async loadBrowserSessions(): Promise<readonly BrowserSessionRow[]> {
    this.requireOpen();
    return [...this.sessions.values()];
  }

  async insertBrowserSession(row: BrowserSessionRow): Promise<void> {
    this.requireOpen();
    if (this.sessions.has(hex(row.hash)))
      throw new StoreError('exists', 'There is a browser session already.');
    this.sessions.set(hex(row.hash), { ...row });
  }

  async deleteBrowserSessions(hashes: readonly Uint8Array[]): Promise<void> {
    this.requireOpen();
    for (const hash of hashes) this.sessions.delete(hex(hash));
  }

  protected override requireOpen(): void {
    if (this.state !== 'open') throw new StoreError('stopped', 'The database is not open.');
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
