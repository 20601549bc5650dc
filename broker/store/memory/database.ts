/**
 * The database in maps, for tests, one file a subject. Keeps the promises of the ports (ports.ts, command-ports.ts) except
 * that nothing outlives the process. Plain methods, so that a test may put a slower or a failing one in their place.
 */
import type {
  AuditOutcome,
  AuditQuery,
  AuditRow,
  CommandQuery,
  CommandRow,
  DesiredRow,
  JobQuery,
  JobRow,
  NumberedAuditRow,
} from '../command-ports.ts';
import {
  type BrowserSessionRow,
  type Database,
  type DeviceRow,
  type Durability,
  type KeyRow,
  type RegisteredDeviceRow,
  StoreError,
} from '../ports.ts';
import { MemoryAudit } from './audit.ts';
import { MemoryCommands } from './commands.ts';
import { MemoryDesired } from './desired.ts';
import { MemoryJobs } from './jobs.ts';
import { MemoryKeys } from './keys.ts';
import { MemoryRegistry } from './registry.ts';
import { MemoryState } from './state.ts';

export class MemoryDatabase implements Database {
  readonly durability: Durability = 'process';
  private readonly subjects = {
    state: new MemoryState(),
    registry: new MemoryRegistry(),
    keys: new MemoryKeys(),
    commands: new MemoryCommands(),
    jobs: new MemoryJobs(),
    desired: new MemoryDesired(),
    audit: new MemoryAudit(),
  };
  private phase: 'new' | 'open' | 'stopped' = 'new';

  async start(): Promise<void> {
    this.phase = 'open';
  }

  /** Nothing ever holds it up. */
  unlessHeldUp(work: Promise<void>): Promise<void> {
    return work;
  }

  async stop(): Promise<void> {
    this.phase = 'stopped';
  }

  async *loadDevices(): AsyncGenerator<readonly DeviceRow[]> {
    yield this.open.state.devices();
  }

  async saveDevices(rows: readonly DeviceRow[]): Promise<void> {
    this.open.state.saveDevices(rows);
  }

  async checkpointPosition(): Promise<number> {
    return this.open.state.checkpointPosition();
  }

  async setCheckpointPosition(position: number): Promise<void> {
    this.open.state.setCheckpointPosition(position);
  }

  async revisionCeiling(): Promise<number> {
    return this.open.state.revisionCeiling;
  }

  async raiseRevisionCeiling(ceiling: number): Promise<void> {
    const { state } = this.open;
    state.revisionCeiling = Math.max(state.revisionCeiling, ceiling);
  }

  async loadCursors(): Promise<Readonly<Record<string, number>>> {
    return this.open.state.cursors();
  }

  async saveCursors(cursors: Readonly<Record<string, number>>): Promise<void> {
    this.open.state.saveCursors(cursors);
  }

  async *loadRegistered(): AsyncGenerator<readonly RegisteredDeviceRow[]> {
    yield this.open.registry.all();
  }

  async saveRegistered(row: RegisteredDeviceRow): Promise<void> {
    this.open.registry.save(row);
  }

  async deleteRegistered(customer: string, device: string): Promise<void> {
    this.open.registry.delete(customer, device);
  }

  async loadKeys(): Promise<readonly KeyRow[]> {
    return this.open.keys.all();
  }

  async insertKey(row: KeyRow): Promise<void> {
    this.open.keys.insert(row);
  }

  async updateKeys(rows: readonly KeyRow[]): Promise<void> {
    this.open.keys.update(rows);
  }

  async loadBrowserSessions(): Promise<readonly BrowserSessionRow[]> {
    return this.open.keys.sessions();
  }

  async insertBrowserSession(row: BrowserSessionRow): Promise<void> {
    this.open.keys.insertSession(row);
  }

  async renewBrowserSessions(rows: readonly BrowserSessionRow[]): Promise<void> {
    this.open.keys.renewSessions(rows);
  }

  async deleteBrowserSessions(hashes: readonly Uint8Array[]): Promise<void> {
    this.open.keys.deleteSessions(hashes);
  }

  async *loadOpenCommands(): AsyncGenerator<readonly CommandRow[]> {
    yield this.open.commands.open();
  }

  async lastCommandNumber(): Promise<number> {
    return this.open.commands.lastNumber();
  }

  async findCommands(customer: string, id: string): Promise<readonly CommandRow[]> {
    return this.open.commands.find(customer, id);
  }

  async listCommands(query: CommandQuery): Promise<readonly CommandRow[]> {
    return this.open.commands.list(query);
  }

  async saveCommands(rows: readonly CommandRow[]): Promise<void> {
    this.open.commands.save(rows);
  }

  async deleteEndedCommands(time: number, limit: number): Promise<number> {
    return this.open.commands.deleteEnded(time, limit);
  }

  async loadOpenJobs(): Promise<readonly JobRow[]> {
    return this.open.jobs.open();
  }

  async lastJobNumber(): Promise<number> {
    return this.open.jobs.lastNumber();
  }

  async findJob(customer: string, id: string): Promise<JobRow | null> {
    return this.open.jobs.find(customer, id);
  }

  async listJobs(query: JobQuery): Promise<readonly JobRow[]> {
    return this.open.jobs.list(query);
  }

  async insertJob(row: JobRow): Promise<void> {
    this.open.jobs.insert(row);
  }

  async updateJob(row: Pick<JobRow, 'id' | 'endedAt' | 'body'>): Promise<void> {
    this.open.jobs.update(row);
  }

  async deleteEndedJobs(time: number, limit: number): Promise<number> {
    return this.open.jobs.deleteEnded(time, limit);
  }

  async *loadDesired(): AsyncGenerator<readonly DesiredRow[]> {
    yield this.open.desired.all();
  }

  async saveDesired(rows: readonly DesiredRow[]): Promise<void> {
    this.open.desired.save(rows);
  }

  async saveAudit(rows: readonly AuditRow[], outcomes: readonly AuditOutcome[]): Promise<void> {
    this.open.audit.save(rows, outcomes);
  }

  async listAudit(query: AuditQuery): Promise<readonly NumberedAuditRow[]> {
    return this.open.audit.list(query);
  }

  async deleteAudit(time: number, limit: number): Promise<number> {
    return this.open.audit.delete(time, limit);
  }

  private get open(): typeof this.subjects {
    if (this.phase !== 'open') throw new StoreError('stopped', 'The database is not open.');
    return this.subjects;
  }
}
