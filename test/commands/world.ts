/** Commands with real sessions and a store in memory: devices connect and answer, the clock stands until it is moved. */
import { onTestFinished } from 'vitest';
import type { Command, CommandRequest } from '../../broker/hub/commands/command.ts';
import { CommandService } from '../../broker/hub/commands/commands.ts';
import type { Database } from '../../broker/store/ports.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { encodeHello, encodeResult, encodeTelemetry } from '../../broker/wire/encode.ts';
import { type BrokerFrame, type CommandFrame, FRAME, type Value } from '../../broker/wire/frames.ts';
import { testConfig } from '../helpers/config.ts';
import { silentLog } from '../helpers/log.ts';
import { type FakeTransport, nextTurn, sessionHarness } from '../helpers/session.ts';

export const RESULT = { accepted: 1, progress: 2, done: 3, failed: 4, rejected: 5 } as const;

export type Limits = Partial<ReturnType<typeof testConfig>['commands']>;

export interface WorldOptions {
  readonly limits?: Limits;
  readonly database?: Database;
  /** What the log says beyond the store, at the start. */
  readonly replay?: (commands: CommandService) => void;
}

/** Turns until everything that was set off has come to rest: a memory store answers in microtasks. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
}

export async function commandWorld(options: WorldOptions = {}) {
  const { limits = {}, database = openMemoryDatabase(), replay = () => {} } = options;
  const config = testConfig('unused', { commands: limits });
  await database.start();
  let ids = 0;
  const harness = sessionHarness({ store: { commitSpacing: 0 } }, (parts) => {
    const commands = new CommandService({
      ...parts,
      store: database,
      limits: config.commands,
      logger: silentLog,
      newId: () => {
        ids += 1;
        return `c${ids}`;
      },
    });
    parts.ingest.onControl(({ device, session, frame, arrival }) => {
      if (frame.kind !== FRAME.result) return;
      const { customer, id } = device;
      commands.result({ customer, device: id, session, frame, arrival, position: parts.ingest.position });
    });
    return { commands, onReady: (device) => void commands.ready(device) };
  });
  const { commands } = harness;
  await commands.load();
  replay(commands);
  await commands.start();
  onTestFinished(() => commands.stop());
  harness.sessions.start();
  const told: Command[] = [];
  commands.onStep((command) => told.push(command));
  return { ...harness, commands, database, config, told, ...dialogue(harness) };
}

/** A store that takes its time: nothing is saved from now on until `release`. */
export function holdSaves(database: Database) {
  const save = database.saveCommands.bind(database);
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  database.saveCommands = async (rows) => {
    await released;
    await save(rows);
  };
  return {
    async release(): Promise<void> {
      database.saveCommands = save;
      release();
      await rest();
    },
  };
}

/** A store that takes its time: each save is done when `next` is called. */
export function saveOneByOne(database: Database) {
  const save = database.saveCommands.bind(database);
  const held: (() => void)[] = [];
  const ids: string[][] = [];
  database.saveCommands = async (rows) => {
    ids.push(rows.map(({ id }) => id));
    await new Promise<void>((resolve) => held.push(resolve));
    await save(rows);
  };
  return {
    /** Of the commands of each save so far. */
    ids,
    get waiting(): number {
      return held.length;
    },
    async next(): Promise<void> {
      held.shift()?.();
      await rest();
    },
    /** Saves take no time any more. */
    async release(): Promise<void> {
      database.saveCommands = save;
      for (const resolve of held.splice(0)) resolve();
      await rest();
    },
  };
}

type Harness = ReturnType<typeof sessionHarness<CommandService>>;

/** The sentences that tests are made of. */
function dialogue({ commands, open, clock, fleet }: Harness) {
  let sessions = 0;
  return {
    /** `pump` connects and says hello. */
    async connect(id = 'pump') {
      sessions += 1;
      const name = `s${sessions}`;
      const { session, transport } = open(name, 'key1', id);
      session.receive(encodeHello({}));
      await rest();
      return new ConnectedDevice(session, transport);
    },
    /** The device is known and away. */
    known: (id = 'pump') => fleet.obtain('acme', id),
    async ask(request: Partial<CommandRequest> = {}): Promise<Command> {
      const { command } = await commands.issue(requestOf(request));
      await rest();
      return command;
    },
    async now(id: string): Promise<Command> {
      const [command] = await commands.find('acme', id);
      if (!command) throw new Error(`there is no command ${id}`);
      return command;
    },
    async pass(milliseconds: number): Promise<void> {
      clock.advance(milliseconds);
      await rest();
    },
  };
}

export function requestOf(request: Partial<CommandRequest> = {}): CommandRequest {
  return {
    customer: 'acme',
    device: 'pump',
    name: 'reboot',
    args: null,
    ttl: 60_000,
    id: null,
    supersede: null,
    whenFull: 'refuse',
    job: null,
    by: 'key1',
    ...request,
  };
}

export class ConnectedDevice {
  private readonly session: ReturnType<Harness['open']>['session'];
  readonly transport: FakeTransport;

  constructor(session: ReturnType<Harness['open']>['session'], transport: FakeTransport) {
    this.session = session;
    this.transport = transport;
  }

  /** Frames since the last look. */
  frames(): BrokerFrame[] {
    return this.transport.take();
  }

  /** Commands since the last look. */
  commands(): CommandFrame[] {
    return this.frames().filter((frame) => frame.kind === FRAME.command);
  }

  greet(): void {
    this.session.receive(encodeHello({}));
  }

  /** Sends one telemetry frame. */
  measure(seq: number): void {
    this.session.receive(encodeTelemetry(seq, null, { temp: 21.5 }));
  }

  say(id: string, status: keyof typeof RESULT, data?: Value): void {
    this.session.receive(encodeResult(id, RESULT[status], data));
  }

  async answer(id: string, status: keyof typeof RESULT, data?: Value): Promise<void> {
    this.say(id, status, data);
    await rest();
  }

  /** The broker has begun to close the connection; the device has not answered that yet. */
  end(): void {
    this.session.end(4008);
  }

  async disconnect(): Promise<void> {
    this.session.closed('connection-lost');
    await rest();
  }
}

/** The statuses of a timeline, late ones marked. */
export function steps({ timeline }: Command): string[] {
  return timeline.map(({ status, late }) => (late ? `${status} (late)` : status));
}
