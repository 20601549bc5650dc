/** A client on a clock that stands still, and its events as things to wait for. */
import { onTestFinished } from 'vitest';
import { DeviceClient, type DeviceClientEvents, type DeviceClientOptions } from '../../client/index.ts';
import { FakeClock } from '../helpers/clock.ts';
import { type FakeBroker, type FakeSession, Queue } from '../helpers/fake-broker.ts';

const NAMES = [
  'connected',
  'resumed',
  'acknowledged',
  'dropped',
  'error',
  'command',
  'repeated',
  'answered',
  'desired',
  'disconnected',
  'refused',
  'fault',
  'ended',
] as const satisfies readonly (keyof DeviceClientEvents)[];

export class Watched {
  readonly client: DeviceClient;
  readonly clock: FakeClock;
  private readonly queues = new Map<keyof DeviceClientEvents, Queue<unknown>>();

  constructor(client: DeviceClient, clock: FakeClock) {
    this.client = client;
    this.clock = clock;
    for (const name of NAMES) {
      const queue = new Queue<unknown>();
      this.queues.set(name, queue);
      client.on(name, (payload) => queue.put(payload));
    }
  }

  /** The next event of this name, also if it came already. */
  next<Name extends keyof DeviceClientEvents>(name: Name): Promise<DeviceClientEvents[Name]> {
    return this.queue(name).next() as Promise<DeviceClientEvents[Name]>;
  }

  /** Events of this name that nobody waited for. */
  left<Name extends keyof DeviceClientEvents>(name: Name): readonly DeviceClientEvents[Name][] {
    return this.queue(name).left as readonly DeviceClientEvents[Name][];
  }

  private queue(name: keyof DeviceClientEvents): Queue<unknown> {
    return this.queues.get(name) as Queue<unknown>;
  }
}

export type TestClientOptions = Partial<DeviceClientOptions> & {
  readonly url: string;
  readonly clock?: FakeClock;
};

/** Not started; stopped when the test is over. */
export function client(options: TestClientOptions): Watched {
  const clock = options.clock ?? new FakeClock();
  const made = new DeviceClient({ key: 'sbx_test', device: 'pump-7', random: () => 0.5, ...options, clock });
  onTestFinished(() => made.stop());
  return new Watched(made, clock);
}

/** Started, too. */
export function startedClient(options: TestClientOptions): Watched {
  const watched = client(options);
  watched.client.start();
  return watched;
}

/** Cuts the connection and waits for the next one; it is not greeted yet. */
export async function reconnected(
  broker: FakeBroker,
  device: Watched,
  session: FakeSession,
): Promise<FakeSession> {
  session.cut();
  const { retryIn } = await device.next('disconnected');
  device.clock.advance(retryIn ?? 0);
  return broker.next();
}

/** A promise and what settles it. */
export function deferred<Result>(): { promise: Promise<Result>; resolve: (result: Result) => void } {
  let resolve: (result: Result) => void = () => {};
  const promise = new Promise<Result>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
