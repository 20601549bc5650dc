/** The engine that keeps everything in memory: for tests and for a look around; `durability` says so. */
import type { LogBounds, Stores } from '../ports.ts';
import { MemoryDatabase } from './database.ts';
import { MemoryLog } from './log.ts';

export function openMemoryStores(maxBytes: number): Stores {
  return new MemoryStores(maxBytes);
}

class MemoryStores implements Stores {
  readonly log: MemoryLog;
  readonly database = new MemoryDatabase();

  constructor(maxBytes: number) {
    this.log = new MemoryLog(maxBytes);
  }

  async start(): Promise<LogBounds> {
    await this.database.start();
    return this.log.start();
  }

  /** Memory does not fail by itself, and nothing is in its way: no listener is ever called. */
  onFailure(): void {}
  readonly obstacles = { log: null, database: null };
  onObstacle(): void {}

  async stop(): Promise<void> {
    await this.log.stop();
    await this.database.stop();
  }
}
