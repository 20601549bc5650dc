/**
 * A simulated machine with one broker on it: its disk, its database, its wall clock and the process that runs. The broker is the
 * product's own composition; only what it meets outside of itself is simulated. Owns them over any number of starts.
 */
import SqliteDatabase from 'better-sqlite3';
import type { Logger } from '../../broker/base/logger.ts';
import type { WorkerReport, WorkerRequest } from '../../broker/bridge/messages.ts';
import { BridgeThread } from '../../broker/bridge/thread/bridge-thread.ts';
import type { StartBridgeThread } from '../../broker/bridge/worker-client.ts';
import { Broker } from '../../broker/broker.ts';
import type { Environment } from '../../broker/compose.ts';
import { EdgeServer } from '../../broker/edge/server.ts';
import type { StartWriter } from '../../broker/store/log/writer-client.ts';
import { type WriterReport, type WriterRequest, WriterThread } from '../../broker/store/log/writer-thread.ts';
import { openFolder } from '../../broker/store/open.ts';
import type { DeviceRow } from '../../broker/store/ports.ts';
import type { StartDatabase } from '../../broker/store/sqlite/database.ts';
import { kindOf, type MethodCall, runnerOf } from '../../broker/store/sqlite/methods.ts';
import { openInMemory } from '../../broker/store/sqlite/open-database.ts';
import {
  type DatabaseAnswer,
  type DatabaseRequest,
  DatabaseServer,
} from '../../broker/store/sqlite/server.ts';
import type { Config } from '../../schemas/config.ts';
import { Disk } from './disk.ts';
import type { Network } from './network.ts';
import { MachineClock, SimulatedProcess } from './process.ts';
import { SimulatedThread } from './threads.ts';
import type { World } from './world.ts';

/** 2026-06-01, about. */
const WALL_START = 1_780_000_000_000;

/** In good weather, ms. */
export const CALL_TIME: readonly [number, number] = [0.02, 1];

export interface MachineParts {
  readonly world: World;
  readonly network: Network;
  readonly name: string;
  /** Where devices and operators connect. */
  readonly address: string;
  readonly config: Config;
  readonly logger: Logger;
  /** What it says when it gives up by itself, as its supervisor hears it. */
  readonly ended: (how: string) => void;
  /** The database holds that a device was forgotten at a position of the log. */
  readonly forgot: (device: string, position: number) => void;
  /** The database has done this call. */
  readonly stored: (call: MethodCall) => void;
  /** A broker is ready. */
  readonly started: () => void;
}

/** Another program holds it; its disk has no room; it cannot be relied on. */
export type DatabaseFault = 'locked' | 'full' | 'failing';

const SQLITE_CODES: Readonly<Record<DatabaseFault, string>> = {
  locked: 'SQLITE_BUSY',
  full: 'SQLITE_FULL',
  failing: 'SQLITE_IOERR_WRITE',
};

/** What runs on a machine. */
export interface Running {
  readonly process: SimulatedProcess;
  readonly broker: Broker;
  state: 'starting' | 'ready' | 'stopping';
}

export class Machine {
  readonly disk: Disk;
  readonly wall: MachineClock;
  readonly database: SqliteDatabase.Database = openInMemory();
  /** Its statements, prepared once for all starts. */
  private readonly runCall = runnerOf(this.database);
  running: Running | null = null;
  /** ms that a call of the database takes. */
  callTime = CALL_TIME;
  /** What is wrong with the database; null: nothing. */
  databaseFault: DatabaseFault | null = null;
  private databaseHasFailed = false;
  /** That of a start that has not made its broker yet. */
  starting: SimulatedProcess | null = null;
  /** Ends the thread of the MQTT bridge, as when its memory is full. */
  crashBridge: () => void = () => {};
  /** Processes so far. */
  starts = 0;
  private readonly parts: MachineParts;
  private generation = 0;

  constructor(parts: MachineParts) {
    this.parts = parts;
    this.disk = new Disk(parts.world, parts.name);
    this.wall = new MachineClock(parts.world, WALL_START);
  }

  /** The process that runs or starts; null: none. */
  get process(): SimulatedProcess | null {
    return this.running?.process ?? this.starting;
  }

  /** A new process with a broker in it. Resolves when it is ready, or has failed, which `ended` says; never if it is killed. */
  async start(): Promise<void> {
    const { world, name, config, logger } = this.parts;
    this.starts += 1;
    const process = new SimulatedProcess(world, `${name}.${this.starts}`, this.wall);
    const environment = this.environmentOf(process);
    const quiet = quietWhenDead(logger, process);
    world.note(process.name, 'starts');
    this.starting = process;
    await asOwner(world, process, async () => {
      const broker = new Broker({ config, logger: quiet, environment, dashboardFolder: null });
      const running: Running = { process, broker, state: 'starting' };
      this.running = running;
      this.starting = null;
      broker.onFailure((error) => {
        if (!process.alive) return;
        // As main.ts does: a failure ends the process.
        void broker.stop().then(() => this.ends(running, `failed: ${error.code}`));
      });
      try {
        await broker.start();
        if (process.alive) running.state = 'ready';
        world.note(process.name, 'is ready');
        if (process.alive) this.parts.started();
      } catch (error) {
        if (process.alive) this.ends(running, `start: ${(error as Error).message}`);
      }
    });
  }

  /** Sends SIGTERM. Resolves when the process is gone. */
  async stop(): Promise<void> {
    const { running } = this;
    if (!running) return;
    running.state = 'stopping';
    this.parts.world.note(running.process.name, 'is told to stop');
    await asOwner(this.parts.world, running.process, async () => {
      await running.broker.stop();
      if (running.process.alive) this.ends(running, 'stopped');
    });
  }

  /** Asks something of the broker that runs, in a turn of its own. null: none is ready. Never settles if it dies before. */
  ask<Result>(work: (broker: Broker) => Promise<Result>): Promise<Result> | null {
    const { running } = this;
    if (running?.state !== 'ready') return null;
    return new Promise((resolve, reject) => {
      this.parts.world.after(0, () => void work(running.broker).then(resolve, reject), running.process);
    });
  }

  /** kill -9: what the process wrote stays, its connections end. */
  kill(): void {
    const { running } = this;
    this.starting?.kill();
    this.starting = null;
    this.running = null;
    if (!running) return;
    running.process.kill();
    this.parts.network.abandon(running.process, 'cut');
    this.parts.network.close(this.parts.address);
  }

  /** The same without power: what was not synced is lost in part, and nobody at the other end is told. */
  losePower(): void {
    const { running } = this;
    this.starting?.kill();
    this.starting = null;
    this.running = null;
    if (running) {
      running.process.kill();
      this.parts.network.abandon(running.process, 'vanish');
      this.parts.network.close(this.parts.address);
    }
    this.disk.losePower();
  }

  private ends(running: Running, how: string): void {
    if (this.running !== running) return;
    this.kill();
    this.parts.ended(how);
  }

  private environmentOf(process: SimulatedProcess): Environment {
    const { world, network, address } = this.parts;
    const random = world.randomOf(process.name);
    return {
      clock: process.clock,
      random: random.next,
      randomBytes: (count) => random.bytes(count),
      sessionId: () => random.text(12),
      commandId: () => random.text(16),
      openFiles: null,
      version: '0.0.0',
      openStores: (options) =>
        openFolder(options, {
          lock: { acquire: () => {}, release: () => {} },
          consent: { given: false, use: () => {} },
          startDatabase: this.databaseThreads(process),
          startWriter: this.writerThreads(process),
          files: this.disk.filesOf(process),
        }),
      startBridgeThread: this.bridgeThreads(process),
      openEdge: (parts) => {
        const edge = new EdgeServer(parts);
        return {
          url: `box://${address}`,
          start: async () => network.listen(address, process, (socket) => edge.accept(socket)),
          close: () => {
            network.close(address);
            edge.close();
          },
          stop: () => edge.stop(),
        };
      },
      openAdmin: () => ({
        start: async () => {},
        handle: (_request, response) => {
          // That would be the real one.
          response.sendDate = false;
          response.writeHead(404).end();
        },
        stop: async () => {},
      }),
      processMetrics: () => ({
        start: () => {},
        stop: () => {},
        read: () => ({
          memory: { residentBytes: 0, heapBytes: 0, externalBytes: 0 },
          eventLoopDelay: { p50: 0, p99: 0, max: 0 },
        }),
      }),
      ensureAdminKey: async () => null,
      exposures: () => [],
    };
  }

  private writerThreads(process: SimulatedProcess): StartWriter {
    const { world } = this.parts;
    const random = world.randomOf(`${process.name}/writer`);
    return (options, events) => {
      const thread = new SimulatedThread<WriterRequest, WriterReport>(world, process, events);
      const files = this.disk.filesOf(process);
      const sync = (file: number) => {
        thread.block(random.between(...this.disk.syncTime));
        files.sync(file);
      };
      const writer = new WriterThread(thread.port, options, {
        clock: process.clock,
        files: { ...files, sync },
      });
      thread.begin(() => writer.start());
      return thread;
    };
  }

  private databaseThreads(process: SimulatedProcess): StartDatabase {
    const { world } = this.parts;
    const random = world.randomOf(`${process.name}/database`);
    return (options, events) => {
      const thread = new SimulatedThread<DatabaseRequest, DatabaseAnswer>(world, process, events);
      const { runCall } = this;
      const machine = this;
      const server = new DatabaseServer({
        port: thread.port,
        file: options.file,
        database: { pragma: () => undefined, close: () => this.database },
        mark: {
          get generation() {
            return machine.generation;
          },
          raise: (generation) => {
            if (process.effect()) this.generation = generation;
          },
          close: () => {},
        },
        sums: { follow: () => {}, finish: () => {}, close: () => {} },
        run: (call) => {
          if (!process.effect()) throw new Error('the process is dead');
          thread.block(random.between(...this.callTime));
          this.meetDatabaseFault(call);
          world.note(process.name, 'database', call.method);
          const outcome = runCall(call);
          this.hearForgotten(call);
          this.parts.stored(call);
          return outcome;
        },
        clock: process.clock,
      });
      thread.begin(() => server.start());
      return thread;
    };
  }

  /** Reads go on behind a lock and on a full disk. */
  private meetDatabaseFault(call: MethodCall): void {
    const { databaseFault: fault } = this;
    if (fault === null || kindOf(call) === 'read') return;
    if (fault === 'failing') this.databaseHasFailed = true;
    throw new SqliteDatabase.SqliteError(`simulated: ${fault}`, SQLITE_CODES[fault]);
  }

  /** Something of it has failed so that a broker on it must end, or cannot start. */
  get hasFailed(): boolean {
    return this.disk.hasFailed || this.disk.refusal !== null || this.databaseHasFailed;
  }

  /** A new process may begin anew. */
  forgetFailures(): void {
    this.disk.hasFailed = false;
    this.databaseHasFailed = false;
  }

  private hearForgotten({ method, args }: MethodCall): void {
    if (method !== 'saveDevices') return;
    for (const { customer, device, position, body } of args[0] as readonly DeviceRow[]) {
      if (body === null) this.parts.forgot(`${customer}/${device}`, Number(position));
    }
  }

  private bridgeThreads(process: SimulatedProcess): StartBridgeThread {
    const { world, network } = this.parts;
    const random = world.randomOf(`${process.name}/bridge`);
    return (options, events) => {
      const thread = new SimulatedThread<WorkerRequest, WorkerReport>(world, process, events);
      const bridge = new BridgeThread({
        port: thread.port,
        options,
        dial: ({ address }) => {
          const socket = network.dial(`mqtt:${address.host}`, process);
          void thread.gone.then(() => socket.destroy());
          return socket;
        },
        clock: thread.clock,
        random: random.next,
      });
      thread.begin(() => bridge.start());
      this.crashBridge = () => thread.fail(new Error('simulated'));
      return thread;
    };
  }
}

/** What a dead process says is heard by nobody. */
function quietWhenDead(logger: Logger, process: SimulatedProcess): Logger {
  const unlessDead =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      if (process.alive) logger[level](fields, message);
    };
  return {
    debug: unlessDead('debug'),
    info: unlessDead('info'),
    warn: unlessDead('warn'),
    error: unlessDead('error'),
    child: (fields) => quietWhenDead(logger.child(fields), process),
  };
}

/** What `work` begins happens to `owner`. */
async function asOwner(world: World, owner: SimulatedProcess, work: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    world.after(0, () => void work().then(resolve, reject), owner);
  });
}
