/** How the broker's process ends: on SIGTERM, when its disk fails, and when another one has its data folder. */
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import type { State } from '../../schemas/api.ts';
import { BrokerProcess, startProcess } from '../helpers/broker-process.ts';
import { connect, type TestDevice } from '../helpers/device.ts';
import { eventually } from '../helpers/eventually.ts';

const FRAMES = 50;

/** A device of acme that has said hello. */
async function greeted(broker: BrokerProcess, ackWithin: number): Promise<TestDevice> {
  const device = await connect(broker.url, { key: await broker.deviceKey('acme', 'pump-7') });
  device.send(encodeHello({ boot: 1, ackWithin }));
  expect(await device.next()).toMatchObject({ kind: FRAME.welcome });
  return device;
}

/** Told twice to stop; its exit code. A broker that had come to its end before the second time is followed by another. */
async function stoppedTwice(): Promise<[number | null, BrokerProcess]> {
  for (;;) {
    const broker = await startProcess();
    const device = await greeted(broker, 0);
    // A device that reads nothing answers no close, for which the broker waits two seconds.
    device.socket.pause();
    const exit = broker.stop();
    await broker.logged('Stopping.');
    broker.child.kill('SIGTERM');
    const code = await exit;
    if (code !== 0) return [code, broker];
  }
}

describe('SIGTERM', () => {
  it('acknowledges what came, tells devices when to come back, and exits with 0', async () => {
    const broker = await startProcess({ env: { SIGNALBOX_SERVER_DRAIN_SECONDS: '3' } });
    // Its ack may wait for 10 s, so that only the stop can have sent it.
    const device = await greeted(broker, 10_000);
    for (let seq = 1; seq <= FRAMES; seq += 1) device.send(encodeTelemetry(seq, null, { n: seq }));
    await eventually(async () => {
      const state = await broker.api<State>('/devices/acme/pump-7/state');
      expect(state.values).toMatchObject({ n: { value: FRAMES } });
    });
    const exit = broker.stop();
    expect((await device.acknowledged(FRAMES))[0]).toBe(0);
    const { code, reason } = await device.closed;
    expect(code).toBe(1001);
    const delay = Number(/^reconnect in (\d+) ms$/.exec(reason)?.[1]);
    expect(delay).toBeGreaterThan(0);
    expect(delay).toBeLessThanOrEqual(4000);
    expect(await exit).toBe(0);
  });

  it('leaves state written, so that the next start has nothing to replay', async () => {
    const broker = await startProcess();
    const device = await greeted(broker, 0);
    device.send(encodeTelemetry(1, null, { n: 1 }));
    await device.acknowledged(1);
    expect(await broker.stop()).toBe(0);
    const next = await startProcess({ data: broker.data });
    expect(await next.logged('Last-known state is back.')).toMatchObject({ devices: 1, replayedFrames: 0 });
    const state = await next.api<State>('/devices/acme/pump-7/state');
    expect(state).toMatchObject({ online: false, values: { n: { value: 1 } } });
  });

  it('ends a start that waits for a lock of another program, and leaves the folder as it was', async () => {
    const first = await startProcess();
    const device = await greeted(first, 0);
    device.send(encodeTelemetry(1, null, { n: 1 }));
    await device.acknowledged(1);
    await first.kill();
    const other = new SqliteDatabase(join(first.data, 'signalbox.db'));
    other.exec('BEGIN EXCLUSIVE');
    const waiting = new BrokerProcess({ data: first.data });
    onTestFinished(() => void waiting.child.kill('SIGKILL'));
    await waiting.logged(
      'Another program holds a lock on signalbox.db: the database waits, and goes on by itself when that is over.',
    );
    expect(await waiting.stop()).toBe(0);
    other.exec('ROLLBACK');
    other.close();
    const next = await startProcess({ data: first.data });
    expect(await next.api<State>('/devices/acme/pump-7/state')).toMatchObject({
      values: { n: { value: 1 } },
    });
  });

  it('ends at once when it comes a second time', async () => {
    const [code, broker] = await stoppedTwice();
    expect(code).toBe(1);
    // The key of the device was stored, and the folder is as a kill leaves it.
    const next = await startProcess({ data: broker.data });
    await expect(next.api('/keys')).resolves.toMatchObject({ items: [{}, {}] });
  });

  it('leaves a folder that starts again when it ends a start after a kill', async () => {
    const first = await startProcess();
    await first.deviceKey('acme', 'pump-7');
    await first.kill();
    const second = new BrokerProcess({ data: first.data });
    onTestFinished(() => void second.child.kill('SIGKILL'));
    await second.logged('Last-known state is back.');
    expect(await second.stop()).toBe(0);
    const third = await startProcess({ data: first.data });
    await expect(third.api('/keys')).resolves.toMatchObject({ items: [{}, {}] });
  });
});

/** Sends, and waits for the acks, until the broker ends the connection. */
async function sendUntilClosed(device: TestDevice): Promise<{ sent: number; acknowledged: number }> {
  let [sent, acknowledged] = [0, 0];
  while (device.socket.readyState === WebSocket.OPEN) {
    acknowledged = sent;
    for (; sent < acknowledged + 10; sent += 1) {
      device.send(encodeTelemetry(sent + 1, null, { text: 'x'.repeat(3000) }));
    }
    await Promise.race([device.acknowledged(sent), device.closed]);
  }
  return { sent, acknowledged };
}

describe('a log that may not grow', () => {
  it('acknowledges nothing that it could not store, says why, and ends with that when it is told to', async () => {
    // No file may grow above half a MiB; the log gets there first.
    const env = { SIGNALBOX_LIMITS_FRAMES_PER_SECOND: '0', SIGNALBOX_LIMITS_BYTES_PER_SECOND: '0' };
    const broker = await startProcess({ env, launcher: ['prlimit', '--fsize=524288'] });
    const device = await greeted(broker, 0);
    const { sent, acknowledged } = await sendUntilClosed(device);
    expect(await device.closed).toMatchObject({ code: 1013 });
    expect(
      await broker.logged('The disk is full: the log waits, and goes on by itself when that is over.'),
    ).toMatchObject({ store: 'log', cause: expect.stringContaining('EFBIG') });
    expect((await fetch(`${broker.url}/livez`)).status).toBe(200);
    expect((await fetch(`${broker.url}/readyz`)).status).toBe(503);
    expect(await broker.stop()).toBe(0);

    const next = await startProcess({ data: broker.data });
    const answer = await (await greeted(next, 0)).next();
    const held = answer.kind === FRAME.ack ? answer.seq : 0;
    expect(acknowledged).toBeGreaterThan(0);
    expect(held).toBeGreaterThanOrEqual(acknowledged);
    expect(held).toBeLessThan(sent);
  });
});

describe('a second broker on the same data folder', () => {
  it('exits with 1 and names the process that has it', async () => {
    const first = await startProcess();
    const second = new BrokerProcess({ data: first.data });
    await expect(second.logged('listening')).rejects.toThrow(`(process ${first.child.pid})`);
    expect(await second.exited).toBe(1);
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });
});
