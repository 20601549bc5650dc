/** A key ring over a database in memory, with a clock that the test moves and a store that the test can hold up. */
import { randomBytes } from 'node:crypto';
import { type EndListener, KeyRing, type KeyWish } from '../../broker/access/key-ring.ts';
import type { KeyRow } from '../../broker/store/ports.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { FakeClock } from '../helpers/clock.ts';
import { silentLog } from '../helpers/log.ts';

export const HOUR = 3_600_000;

export class RingWorld {
  readonly clock = new FakeClock();
  readonly database = openMemoryDatabase();
  readonly ended: Parameters<EndListener>[] = [];
  keys: KeyRing = this.newRing();

  async start(): Promise<this> {
    await this.database.start();
    await this.startRing();
    return this;
  }

  /** As after a restart: another ring on what the store holds. */
  async restart(): Promise<void> {
    await this.keys.stop();
    await this.reload();
  }

  /** As after a crash. */
  async reload(): Promise<void> {
    this.keys.abandon();
    this.keys = this.newRing();
    await this.startRing();
  }

  /** A key of the device role for acme, with what the test says in the place of that. */
  create(wish: Partial<KeyWish> = {}): ReturnType<KeyRing['create']> {
    return this.keys.create({
      customer: 'acme',
      device: null,
      role: 'device',
      label: null,
      expiresAt: null,
      ...wish,
    });
  }

  async stored(id: string): Promise<KeyRow> {
    const row = (await this.database.loadKeys()).find((candidate) => candidate.id === id);
    if (!row) throw new Error(`the store has no key ${id}`);
    return row;
  }

  private newRing(): KeyRing {
    const { clock, database } = this;
    return new KeyRing({
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

export function ringWorld(): Promise<RingWorld> {
  return new RingWorld().start();
}
