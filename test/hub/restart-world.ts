/**
 * What lies between the log and the state of devices, without sockets: ingest, fleet, checkpoint and restore over a store
 * in memory that outlives them. A kill lets nothing of the old life reach the store any more.
 */

import { Counters } from '../../broker/hub/counters.ts';
import { forgetDevice } from '../../broker/hub/fleet/device-registry.ts';
import { EventFeed } from '../../broker/hub/fleet/events.ts';
import { type Changes, Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { Checkpoint } from '../../broker/hub/telemetry/checkpoint.ts';
import { Ingest, type LiveSource } from '../../broker/hub/telemetry/ingest.ts';
import { restoreFleet } from '../../broker/hub/telemetry/restore.ts';
import { SourceHandle } from '../../broker/store/batch.ts';
import { MemoryLog } from '../../broker/store/memory/log.ts';
import type { Database, DeviceRow } from '../../broker/store/ports.ts';
import type { Position } from '../../broker/store/position.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import type { DataFrame } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import { FakeClock } from '../helpers/clock.ts';
import { testConfig } from '../helpers/config.ts';
import { silentLog } from '../helpers/log.ts';

const CUSTOMER = 'acme';

/** Lets a number of writes through; what comes then fails, or hangs for ever as in a process that is gone. */
class Gate {
  private left = Number.POSITIVE_INFINITY;
  private beyond: 'fail' | 'hang' = 'hang';

  after(writes: number, beyond: 'fail' | 'hang'): void {
    this.left = writes;
    this.beyond = beyond;
  }

  async write(run: () => Promise<void>): Promise<void> {
    // The store answers in a later turn, so that anything may happen between two writes.
    await nextTurn();
    if (this.left > 0) {
      this.left -= 1;
      return run();
    }
    if (this.beyond === 'fail') throw new Error('the store takes nothing for a moment');
    return new Promise(() => {});
  }
}

export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** One life of the broker between two starts. */
class Life {
  readonly gate = new Gate();
  readonly fleet: Fleet;
  readonly changes: Changes;
  readonly ingest: Ingest;
  readonly checkpoint: Checkpoint;
  /** Killed: what is still under way reaches nothing. */
  isOver = false;
  private readonly sessions = new Map<string, LiveSource>();
  private readonly stores: Stores;

  constructor(stores: Stores) {
    this.stores = stores;
    const { log, clock } = stores;
    this.fleet = new Fleet(new Revisions(clock.now()));
    const { fleet } = this;
    this.changes = fleet.trackChanges();
    const events = new EventFeed();
    const { limits, store } = testConfig('unused');
    const append: MemoryLog['append'] = (...payloads) =>
      this.isOver ? new Promise(() => {}) : log.append(...payloads);
    const follow = log.follow.bind(log);
    const parts = {
      log: { append, follow, batch: log.batch },
      fleet,
      events,
      counters: new Counters(),
      clock,
    };
    this.ingest = new Ingest({ ...parts, limits: { ...store, ...limits, commitSpacing: 0 } });
    this.checkpoint = new Checkpoint({
      changes: this.changes,
      fleet,
      ingest: this.ingest,
      state: this.state(),
      others: [],
      log,
      clock,
      logger: silentLog,
      intervalMs: 1000,
    });
  }

  async start(): Promise<void> {
    const { log, database } = this.stores;
    const { fleet, ingest } = this;
    await restoreFleet({ fleet, state: database, log, bounds: log.bounds, ingest });
    this.checkpoint.start();
  }

  /** From the connection of this device and boot; without a boot sequences begin anew with each life. */
  send(device: string, boot: string | null, bytes: Uint8Array): void {
    const frame = new FrameReader().read(bytes) as DataFrame;
    this.ingest.accept(this.session(device, boot), frame, bytes, this.stores.clock.now());
  }

  describe(device: string, firmware: string): void {
    const known = this.fleet.obtain(CUSTOMER, device);
    known.description = { ...known.description, firmware };
    this.fleet.touch(known);
  }

  /** Returns the log position at which it is forgotten; null: it was not known. */
  async forget(device: string): Promise<Position | null> {
    for (const key of this.sessions.keys()) if (key.startsWith(`${device}/`)) this.sessions.delete(key);
    const parts = { fleet: this.fleet, ingest: this.ingest, state: this.state() };
    return (await forgetDevice(parts, CUSTOMER, device)) ? this.ingest.position : null;
  }

  private session(device: string, boot: string | null): LiveSource {
    const key = `${device}/${boot}`;
    const known = this.sessions.get(key);
    if (known) return known;
    const obtained = this.fleet.obtain(CUSTOMER, device);
    this.fleet.touch(obtained);
    const origin: LiveSource = {
      device: obtained,
      session: key,
      boot,
      source: new SourceHandle({ customer: CUSTOMER, device, session: key, boot, fields: null }),
      progress: boot === null ? { accepted: 0, durable: 0 } : obtained.boots.enter(boot),
      durable: () => {},
    };
    this.sessions.set(key, origin);
    return origin;
  }

  private state() {
    const { database } = this.stores;
    return {
      saveDevices: (rows: readonly DeviceRow[]) => this.gate.write(() => database.saveDevices(rows)),
      setCheckpointPosition: (position: Position) =>
        this.gate.write(() => database.setCheckpointPosition(position)),
    };
  }
}

interface Stores {
  readonly log: MemoryLog;
  readonly database: Database;
  readonly clock: FakeClock;
}

export class RestartWorld {
  readonly log = new MemoryLog(1024 * 1024 * 1024);
  readonly database = openMemoryDatabase();
  readonly clock = new FakeClock();
  life = new Life(this);

  async start(): Promise<this> {
    await this.log.start();
    await this.database.start();
    await this.life.start();
    return this;
  }

  /** Everything in memory is gone, and nothing of it reaches the store any more. */
  async kill(): Promise<void> {
    this.life.isOver = true;
    this.life.gate.after(0, 'hang');
    this.life.checkpoint.abandon();
    await this.begin();
  }

  async stop(): Promise<void> {
    await this.life.ingest.flushed();
    await this.life.checkpoint.stop();
    await this.begin();
  }

  private async begin(): Promise<void> {
    this.clock.advance(50);
    await this.log.stop();
    await this.log.start();
    this.life = new Life(this);
    await this.life.start();
  }
}
