/** The keys of a broker over a database in memory, with a clock that the test moves and a store that the test can hold up. */
import { randomBytes } from 'node:crypto';
import { type EndListener, type KeyRequest, KeyService } from '../../broker/access/key-service.ts';
import type { KeyRow } from '../../broker/store/ports.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { FakeClock } from '../helpers/clock.ts';
import { silentLog } from '../helpers/log.ts';

export const HOUR = 3_600_000;

export class KeyWorld {
  readonly clock = new FakeClock();
  readonly database = openMemoryDatabase();
  readonly ended: Parameters<EndListener>[] = [];
  keys: KeyService = this.newService();

  async start(): Promise<this> {
    await this.database.start();
    await this.startRing();
    return this;
  }

  /** As after a restart: another key service on what the store holds. */
  async restart(): Promise<void> {
    await this.keys.stop();
    await this.reload();
  }

  /** As after a crash. */
  async reload(): Promise<void> {
    this.keys.abandon();
    this.keys = this.newService();
    await this.startRing();
  }

  /** A key of the device role for acme, with what the test says in the place of that. */
  create(request: Partial<KeyRequest> = {}): ReturnType<KeyService['create']> {
    return this.keys.create({
      customer: 'acme',
      device: null,
      role: 'device',
      label: null,
      expiresAt: null,
      ...request,
    });
  }

  async stored(id: string): Promise<KeyRow> {
    const row = (await this.database.loadKeys()).find((candidate) => candidate.id === id);
    if (!row) throw new Error(`the store has no key ${id}`);
    return row;
  }

  private newService(): KeyService {
    const { clock, database } = this;
    return new KeyService({
      store: database,
      clock,
      randomBytes: (count) => randomBytes(count),
      logger: silentLog,
    });
  }

  private async startRing(): Promise<void> {
    this.keys.onEnded((...end) => this.ended.push(end));
    await this.keys.start();
  }
}

export function keyWorld(): Promise<KeyWorld> {
  return new KeyWorld().start();
}
