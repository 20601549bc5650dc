/**
 * What was acknowledged after one restart is there after the next. A restart is clean, or a kill: then nothing is saved
 * but what a checkpoint had saved before.
 */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../broker/hub/fleet/device.ts';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { startBroker, type TestBroker } from '../helpers/broker.ts';
import { connect, type TestDevice } from '../helpers/device.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** No checkpoint but those that a test asks for: what a second after the start would do is done at will. */
const config = { store: { checkpointSeconds: 3600 } };

type End = 'clean' | 'kill';

class Story {
  private readonly data = temporaryFolder();
  private readonly keys = new Map<string, string>();
  broker = null as unknown as TestBroker;

  async start(): Promise<this> {
    this.broker = await startBroker({ data: this.data, config });
    return this;
  }

  async restart(end: End): Promise<void> {
    const { broker } = this.broker;
    if (end === 'kill') broker.parts.checkpoint.abandon();
    await broker.stop();
    await this.start();
  }

  device(id = 'pump'): Device | null {
    return this.broker.broker.parts.fleet.find('acme', id);
  }

  /** Connects, greets, and returns the ack that hello got. */
  async greet(id = 'pump', hello: Parameters<typeof encodeHello>[0] = { boot: 7 }) {
    const key = this.keys.get(id) ?? (await this.broker.key('device', 'acme', id));
    this.keys.set(id, key);
    const device = await connect(this.broker.url, { key });
    await device.next();
    device.send(encodeHello(hello));
    const answer = await device.next();
    return { device, ack: answer.kind === FRAME.ack ? answer.seq : null };
  }

  /** Sends x once and sleeps when it is acknowledged. */
  async report(seq: number, x: number, id = 'pump'): Promise<void> {
    const { device } = await this.greet(id);
    device.send(encodeTelemetry(seq, null, { x }));
    await device.acknowledged(seq);
    await this.sleep(device, id);
  }

  async sleep(device: TestDevice, id = 'pump'): Promise<void> {
    const { fleet } = this.broker.broker.parts;
    const left = new Promise<void>((resolve) => {
      const undo = fleet.onPresence((changed, { state }) => {
        if (changed.id !== id || state !== 'offline') return;
        undo();
        resolve();
      });
    });
    device.socket.close(1000);
    await left;
  }

  x(id = 'pump'): unknown {
    return [...(this.device(id)?.metrics.changedSince(0) ?? [])].find(({ name }) => name === 'x')?.value;
  }
}

describe('state that was acknowledged after a restart', () => {
  it.each<[string, readonly End[]]>([
    ['two clean restarts', ['clean', 'clean']],
    ['a clean restart and a kill', ['clean', 'kill']],
    ['a kill and a clean restart', ['kill', 'clean']],
    ['two kills', ['kill', 'kill']],
  ])('is there after %s, and hello is answered with its ack', async (_name, [first, second]) => {
    const story = await new Story().start();
    await story.report(1, 1);
    await story.restart(first as End);
    await story.report(2, 2);
    await story.restart(second as End);
    expect(story.x()).toBe(2);
    expect((await story.greet()).ack).toBe(2);
  });

  it('is there when a checkpoint ran before the kill', async () => {
    const story = await new Story().start();
    await story.report(1, 1);
    await story.restart('clean');
    await story.report(2, 2);
    await story.broker.broker.parts.checkpoint.run();
    await story.restart('kill');
    expect(story.x()).toBe(2);
    expect((await story.greet()).ack).toBe(2);
  });

  it('is there when a kill had it replayed and the next stop was clean', async () => {
    const story = await new Story().start();
    await story.report(1, 1);
    await story.restart('clean');
    await story.report(2, 2);
    for (const end of ['kill', 'clean', 'kill', 'clean'] as const) {
      await story.restart(end);
      expect(story.x()).toBe(2);
    }
    await story.report(3, 3);
    await story.restart('clean');
    expect(story.x()).toBe(3);
  });

  it('stays as it was for a device that was restored and never came back', async () => {
    const story = await new Story().start();
    await story.report(1, 1);
    await story.report(1, 10, 'valve');
    for (const end of ['clean', 'clean', 'kill', 'clean'] as const) {
      await story.restart(end);
      await story.report(2, 2);
      expect([story.x(), story.x('valve')]).toEqual([2, 10]);
    }
  });
});

describe('what changed without a frame of data after a restart', () => {
  it('a device that only connected again was seen then, in that session', async () => {
    const story = await new Story().start();
    await story.report(1, 1);
    await story.restart('clean');
    const { device } = await story.greet();
    await story.sleep(device);
    const { presence } = story.device() as Device;
    await story.restart('clean');
    expect(story.device()?.presence).toMatchObject({ session: presence.session, since: presence.since });
    expect(story.x()).toBe(1);
  });

  it('a hello that only changed the description is remembered', async () => {
    const story = await new Story().start();
    await story.report(1, 1);
    await story.restart('clean');
    await story.greet('pump', { boot: 7, firmware: '2.0' });
    await story.restart('clean');
    expect(story.device()?.description.firmware).toBe('2.0');
    expect((await story.greet()).ack).toBe(1);
  });

  it.each<End>(['clean', 'kill'])('a forgotten device stays forgotten (%s)', async (end) => {
    const story = await new Story().start();
    await story.report(1, 1);
    await story.restart('clean');
    await story.report(2, 2);
    const admin = { 'X-API-Key': await story.broker.key('admin', '*') };
    const answer = await fetch(`${story.broker.url}/api/v1/devices/acme/pump`, {
      method: 'DELETE',
      headers: admin,
    });
    expect(answer.status).toBe(204);
    await story.restart(end);
    expect(story.device()).toBeNull();
  });
});
