/**
 * Every command is executed once and its end is known, wherever connections are cut and the broker is killed (P-5.2). The
 * broker of this test has a disk: what it takes in joins a batch, a commit makes it durable, a kill loses the batch.
 */

import { expect, it } from 'vitest';
import { type DeviceFrame, FRAME } from '../../broker/wire/frames.ts';
import { DeviceClient } from '../../client/index.ts';
import { FakeClock } from '../helpers/clock.ts';
import { type FakeBroker, type FakeSession, fakeBroker } from '../helpers/fake-broker.ts';
import { fc } from '../helpers/fast-check.ts';

class Disk {
  durable = 0;
  private taken = 0;
  private batch: DeviceFrame[] = [];
  /** Command → the last status that is durable; 0: none. */
  readonly commands = new Map<string, number>();

  take(frame: DeviceFrame): void {
    if (frame.kind === FRAME.result) this.batch.push(frame);
    if (frame.kind !== FRAME.telemetry || (frame.seq ?? 0) <= this.taken) return;
    this.taken = frame.seq ?? 0;
    this.batch.push(frame);
  }

  commit(session: FakeSession): void {
    for (const frame of this.batch) {
      if (frame.kind === FRAME.telemetry) this.durable = frame.seq ?? 0;
      if (frame.kind === FRAME.result && (this.commands.get(frame.id) ?? 0) < 3)
        this.commands.set(frame.id, frame.status);
    }
    this.batch = [];
    session.ack(this.durable);
  }

  kill(): void {
    this.batch = [];
    this.taken = this.durable;
  }
}

interface Life {
  /** Handed in before the connection, and after its commands. */
  readonly before: number;
  readonly after: number;
  readonly newCommands: number;
  /** How many frames the broker takes, and after which of them it commits. */
  readonly takes: number;
  readonly commits: readonly number[];
  readonly end: 'cut' | 'kill' | 'stop';
}

const life: fc.Arbitrary<Life> = fc.record({
  before: fc.integer({ min: 0, max: 2 }),
  after: fc.integer({ min: 0, max: 2 }),
  newCommands: fc.integer({ min: 0, max: 3 }),
  takes: fc.integer({ min: 0, max: 12 }),
  commits: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 2 }),
  end: fc.constantFrom('cut', 'kill'),
});

class Story {
  readonly executed: string[] = [];
  readonly disk = new Disk();
  private readonly client: DeviceClient;
  private readonly broker: FakeBroker;
  private readonly clock = new FakeClock();
  private came = 0;
  private connections = 0;

  constructor(broker: FakeBroker) {
    this.broker = broker;
    const { clock } = this;
    this.client = new DeviceClient({ url: broker.url, key: 'k', device: 'd', clock, random: () => 0 });
    this.client.onCommand('count', ({ id }) => this.executed.push(id));
    this.client.on('command', () => {
      this.came += 1;
    });
    this.client.start();
  }

  async live({ before, after, newCommands, takes, commits, end }: Life): Promise<void> {
    this.measure(before);
    const session = await this.broker.next();
    await session.greet(this.disk.durable);
    for (let count = 0; count < newCommands; count += 1)
      this.disk.commands.set(`c-${this.disk.commands.size}`, 0);
    await this.write(session);
    this.measure(after);
    const frames = await this.collect(session);
    for (let at = 0; at <= Math.min(takes, frames.length); at += 1) {
      if (commits.includes(at)) this.disk.commit(session);
      const frame = frames[at];
      if (frame && at < takes) this.disk.take(frame);
    }
    if (end === 'kill') this.disk.kill();
    if (end === 'stop') await this.client.stop();
    else await this.cut(session);
  }

  /** What has no result, as a broker does after a greeting. */
  private async write(session: FakeSession): Promise<void> {
    const waiting = [...this.disk.commands].filter(([, status]) => status === 0);
    const expected = this.came + waiting.length;
    for (const [id] of waiting) session.command(id, 'count');
    while (this.came < expected) await new Promise((resolve) => setImmediate(resolve));
    // The handlers have begun; their results follow at once.
    await new Promise((resolve) => setImmediate(resolve));
  }

  private measure(count: number): void {
    for (let left = count; left > 0; left -= 1) this.client.send({ reading: 1 });
  }

  /** Everything that the device says on this connection. */
  private async collect(session: FakeSession): Promise<DeviceFrame[]> {
    this.connections += 1;
    this.client.send({ end: this.connections });
    const frames: DeviceFrame[] = [];
    for (;;) {
      const frame = await session.frames.next();
      frames.push(frame);
      const isLast =
        frame.kind === FRAME.telemetry && frame.names[0] === 'end' && frame.values[0] === this.connections;
      if (isLast) return frames;
    }
  }

  private async cut(session: FakeSession): Promise<void> {
    const lost = new Promise<number>((resolve) => {
      this.client.once('disconnected', ({ retryIn }) => resolve(retryIn ?? 0));
    });
    session.cut();
    this.clock.advance(await lost);
  }
}

it('holds over random cuts and kills', async () => {
  const broker = await fakeBroker();
  const everything = Array.from({ length: 1000 }, (_, at) => at);
  const last: Life = { before: 0, after: 0, newCommands: 0, takes: 1000, commits: everything, end: 'stop' };
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (lives) => {
      const story = new Story(broker);
      for (const one of lives) await story.live(one);
      await story.live(last);
      const ids = [...story.disk.commands.keys()];
      expect([...story.executed].sort()).toEqual([...ids].sort());
      expect([...story.disk.commands.values()]).toEqual(ids.map(() => 3));
    }),
    { numRuns: 60 },
  );
});
