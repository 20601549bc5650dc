/** Whatever happens in whatever order, with a store that takes its time: what the broker promises of commands holds. */

import { expect, it, onTestFinished } from 'vitest';
import { type Command, isFinal, readCommand } from '../../broker/hub/commands/command.ts';
import type { CommittedResult } from '../../broker/hub/commands/commands.ts';
import type { CommandRow } from '../../broker/store/command-ports.ts';
import { numberOf, positionOf } from '../../broker/store/position.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { fc } from '../helpers/fast-check.ts';
import { ConnectedDevice, commandWorld, requestOf, rest } from './world.ts';

const ACTIONS = [
  'ask',
  'ask-now-or-never',
  'ask-superseding',
  'ask-expiring-oldest',
  'cancel',
  'cancel-waiting',
  'connect',
  'greet',
  'disconnect',
  'accept',
  'finish',
  'forget',
  'pass',
  'store',
  'turn',
] as const;
type Action = (typeof ACTIONS)[number];

/** Lets a database save only when it is told to, and knows what is durable. */
class SlowDatabase {
  readonly database = openMemoryDatabase();
  readonly durable = new Map<string, Command>();
  readonly rows = new Map<string, CommandRow>();
  private readonly waiting: (() => void)[] = [];
  state: 'slow' | 'quick' = 'slow';

  constructor() {
    const { saveCommands } = this.database;
    this.database.saveCommands = async (rows) => {
      if (this.state === 'slow') await new Promise<void>((resolve) => this.waiting.push(resolve));
      await saveCommands(rows);
      for (const row of rows) {
        this.rows.set(row.id, row);
        this.durable.set(row.id, readCommand(row));
      }
    };
  }

  go(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

async function life() {
  const store = new SlowDatabase();
  const limits = { inFlight: 2, waitingPerDevice: 6 };
  const world = await commandWorld({ database: store.database, limits });
  // Also after a failure, or nothing would ever stop.
  onTestFinished(() => {
    store.state = 'quick';
    store.go();
  });
  world.known();
  const faults: string[] = [];
  const asked: Promise<unknown>[] = [];
  const writes = new Map<string, number>();
  /** What the log holds. */
  const results: CommittedResult[] = [];
  const take = world.commands.result.bind(world.commands);
  world.commands.result = (result) => {
    results.push(result);
    take(result);
  };
  let sessions = 0;
  let device: ConnectedDevice | null = null;

  world.commands.onStep((command) => {
    const { id, status, timeline } = command;
    const saidByDevice = timeline.at(-1)?.session !== undefined;
    const durable = store.durable.get(id);
    if (!durable) faults.push(`${id}: ${status} was told before it was stored`);
    // Its end by time is the same after a restart, whoever noticed it.
    else if (!saidByDevice && status !== 'expired' && durable.status !== status)
      faults.push(`${id}: ${status} was told, and ${durable.status} is stored`);
  });

  const connect = (): ConnectedDevice => {
    sessions += 1;
    let newest = 0;
    const before = new Set<string>();
    const { session, transport } = world.open(`s${sessions}`);
    const send = transport.write.bind(transport);
    transport.write = (bytes, written) => {
      send(bytes, written);
      const frame = transport.sent.at(-1);
      if (frame?.kind !== FRAME.command) return;
      const times = (writes.get(frame.id) ?? 0) + 1;
      writes.set(frame.id, times);
      const durable = store.durable.get(frame.id);
      if ((durable?.attempts ?? 0) < times) faults.push(`${frame.id}: write ${times} was not counted before`);
      const number = durable?.number ?? 0;
      if (number < newest && !before.has(frame.id)) faults.push(`${frame.id}: written after a newer one`);
      newest = Math.max(newest, number);
      before.add(frame.id);
    };
    return new ConnectedDevice(session, transport);
  };
  const ask = (request: Parameters<typeof requestOf>[0]) => {
    asked.push(world.commands.issue(requestOf(request)).catch((error: { code: string }) => error.code));
  };
  const open = () => [...store.durable.values()].filter(({ status }) => !isFinal(status));
  const of = (pick: number) => open()[pick % Math.max(1, open().length)]?.id ?? 'none';

  const act: Readonly<Record<Action, (pick: number) => void | Promise<void>>> = {
    ask: () => ask({}),
    'ask-now-or-never': () => ask({ ttl: 0 }),
    'ask-superseding': () => ask({ supersede: 'valve' }),
    'ask-expiring-oldest': () => ask({ whenFull: 'expire-oldest', supersede: 'valve' }),
    cancel: (pick) => void asked.push(world.commands.cancel('acme', of(pick), 'key2').catch(() => null)),
    'cancel-waiting': () => void asked.push(world.commands.cancelWaiting('acme', 'pump', 'key2')),
    connect: () => {
      device = connect();
    },
    greet: () => device?.greet(),
    disconnect: async () => {
      await device?.disconnect();
      device = null;
    },
    accept: (pick) => device?.say(of(pick), 'accepted'),
    finish: (pick) => device?.say(of(pick), 'done'),
    forget: () => {
      const known = world.fleet.find('acme', 'pump');
      if (known) world.fleet.forget(known);
      world.known();
    },
    pass: () => world.pass(4000),
    store: () => store.go(),
    turn: () => rest(),
  };

  /** The store is quick again, and a device comes that does everything that it is asked for, or has accepted. */
  const settle = async () => {
    store.state = 'quick';
    store.go();
    await Promise.all(asked);
    const last = connect();
    last.greet();
    for (let round = 0; round < 30; round += 1) {
      await rest();
      for (const { id } of last.commands()) last.say(id, 'done');
    }
    await world.commands.save();
    const accepted = open().filter(({ status }) => status === 'accepted');
    for (const { id } of accepted) await last.answer(id, 'done');
    await world.commands.save();
  };
  /** A broker that knows what was durable when the first one was killed. */
  const afterKill = async () => {
    const rescued = openMemoryDatabase();
    await rescued.start();
    await rescued.saveCommands([...store.rows.values()]);
    // A record begins before it ends, where what is in it was applied.
    const replay = (commands: typeof world.commands) => {
      for (const result of results)
        commands.result({ ...result, position: positionOf(numberOf(result.position) - 1) });
    };
    return commandWorld({ database: rescued, limits, replay });
  };
  return { world, store, act, settle, afterKill, faults, writes };
}

it('each is told when it is durable, written in order, as often as is counted, and ends once', async () => {
  const step = fc.tuple(fc.constantFrom(...ACTIONS), fc.nat(5));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const { world, store, act, settle, faults, writes } = await life();
      for (const [what, pick] of steps) await act[what](pick);
      await settle();
      expect(faults).toEqual([]);
      expect(world.commands.waiting).toBe(0);
      for (const { id, status, attempts, timeline } of store.durable.values()) {
        expect(timeline.filter((one) => isFinal(one.status) && !one.late).length, id).toBe(1);
        expect(isFinal(status), `${id} is ${status}`).toBe(true);
        expect(attempts, id).toBeGreaterThanOrEqual(writes.get(id) ?? 0);
        expect(attempts, id).toBeLessThanOrEqual(5);
      }
      await world.commands.stop();
    }),
    { numRuns: 200 },
  );
});

it('no end that was told is taken back by a kill, whenever it comes', async () => {
  const step = fc.tuple(fc.constantFrom(...ACTIONS), fc.nat(5));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const { world, store, act, afterKill } = await life();
      for (const [what, pick] of steps) await act[what](pick);
      const again = await afterKill();
      for (const { id, status, endedAt } of world.told.filter((one) => one.endedAt !== null)) {
        expect(await again.now(id), id).toMatchObject({ status, endedAt });
      }
      await again.commands.stop();
      store.state = 'quick';
      store.go();
      await world.commands.stop();
    }),
    { numRuns: 100 },
  );
});
