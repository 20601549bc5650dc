/**
 * What lies between devices and the log, without sockets: sessions, ingest, fleet, checkpoint and restore over a store
 * in memory that outlives them. A kill lets nothing of the old life reach the store any more.
 */

import { Counters } from '../../broker/hub/counters.ts';
import { forgetDevice } from '../../broker/hub/fleet/device-registry.ts';
import { EventFeed } from '../../broker/hub/fleet/events.ts';
import { type Changes, Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { Checkpoint } from '../../broker/hub/telemetry/checkpoint.ts';
import { Ingest } from '../../broker/hub/telemetry/ingest.ts';
import { restoreFleet } from '../../broker/hub/telemetry/restore.ts';
import { ReadScheduler } from '../../broker/session/read-scheduler.ts';
import type { DeviceSession } from '../../broker/session/session.ts';
import { Sessions } from '../../broker/session/sessions.ts';
import { MemoryLog } from '../../broker/store/memory/log.ts';
import type { Database, DeviceRow } from '../../broker/store/ports.ts';
import type { Position } from '../../broker/store/position.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { encodeHello } from '../../broker/wire/encode.ts';
import { FakeClock } from '../helpers/clock.ts';
import { testConfig } from '../helpers/config.ts';
import { silentLog } from '../helpers/log.ts';
import { FakeTransport } from '../helpers/session.ts';
import { type Told, toldOf } from './restart-model.ts';

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
  /** What was told last of who came and went. */
  readonly told = new Map<string, Told>();
  private readonly name: number;
  private readonly sessions: Sessions;
  private readonly open = new Set<DeviceSession>();
  private readonly current = new Map<string, DeviceSession>();
  private count = 0;
  private readonly stores: Stores;

  constructor(stores: Stores, name: number) {
    this.stores = stores;
    this.name = name;
    const { log, clock } = stores;
    this.fleet = new Fleet(new Revisions(clock.now()));
    const { fleet } = this;
    this.changes = fleet.trackChanges();
    const events = new EventFeed();
    const counters = new Counters();
    const config = testConfig('unused');
    const { limits, store } = config;
    const append: MemoryLog['append'] = (...payloads) =>
      this.isOver ? new Promise(() => {}) : log.append(...payloads);
    const follow = log.follow.bind(log);
    const parts = { log: { append, follow, batch: log.batch }, fleet, events, counters, clock };
    this.ingest = new Ingest({ ...parts, limits: { ...store, ...limits, commitSpacing: 0 } });
    const { ingest } = this;
    const session = {
      fleet,
      ingest,
      commands: { knows: () => false },
      desired: { latestVersion: () => 0 },
      onReady: () => {},
      reads: new ReadScheduler({ ingest, counters, clock }),
      counters,
      clock,
      logger: silentLog,
      config,
      frameBytes: 65_536,
    };
    this.sessions = new Sessions(session, () => 0.5);
    fleet.onPresence(({ id }, presence) => this.told.set(id, toldOf(presence)));
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
    await restoreFleet({ fleet, state: database, log, bounds: log.bounds, ingest, clock: this.stores.clock });
    this.checkpoint.start();
  }

  /** From the connection of this device and boot; without a boot sequences begin anew with each connection. */
  send(device: string, boot: string | null, bytes: Uint8Array): void {
    this.session(device, boot).receive(bytes);
  }

  /** The device connects, whether or not it has a connection already. */
  connect(device: string, hello: Parameters<typeof encodeHello>[0] | null): void {
    this.count += 1;
    const identity = { session: `${this.name}.${this.count}`, keyId: 'key1' };
    const transport = new FakeTransport();
    const known = this.fleet.arrive(CUSTOMER, device);
    const session = this.sessions.open({ ...identity, device: known }, transport);
    this.current.set(device, session);
    if (hello) session.receive(encodeHello(hello));
    // What the socket of the older connection does, and when, is not looked at here.
    for (const older of [...this.open]) if (older.device === known) this.ended(older, 'device-closed');
    this.open.add(session);
  }

  /** `said`: with its close. */
  disconnect(device: string, said: string): void {
    const session = this.current.get(device);
    if (session) this.ended(session, 'device-closed', said);
  }

  disconnectAll(): void {
    this.sessions.drain(1000);
    for (const session of [...this.open]) this.ended(session, 'connection-lost');
  }

  /** Returns the log position at which it is forgotten; null: it was not known. */
  async forget(device: string): Promise<Position | null> {
    const parts = { fleet: this.fleet, ingest: this.ingest, state: this.state() };
    const wasKnown = await forgetDevice(parts, CUSTOMER, device);
    const { position } = this.ingest;
    // The device answers the close later than that.
    for (const session of [...this.open])
      if (session.device.id === device) this.ended(session, 'device-closed');
    this.told.delete(device);
    return wasKnown ? position : null;
  }

  private ended(session: DeviceSession, how: string, said?: string): void {
    this.open.delete(session);
    if (this.current.get(session.device.id) === session) this.current.delete(session.device.id);
    this.sessions.closed(session, how, said);
  }

  private session(device: string, boot: string | null): DeviceSession {
    const current = this.current.get(device);
    if (current?.boot === boot && current.state !== 'ending') return current;
    this.connect(device, boot === null ? null : { boot: Number(boot.slice(1)) });
    return this.current.get(device) as DeviceSession;
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
  private lives = 1;
  life = new Life(this, 1);

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
    this.life.disconnectAll();
    await this.life.ingest.flushed();
    await this.life.checkpoint.stop();
    await this.begin();
  }

  private async begin(): Promise<void> {
    this.clock.advance(50);
    await this.log.stop();
    await this.log.start();
    this.lives += 1;
    this.life = new Life(this, this.lives);
    await this.life.start();
  }
}
