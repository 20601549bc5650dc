/** No command is executed twice, and no result is lost: it is said again until an ack covers it (P-5.2). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FRAME } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import { CommandExecutor } from '../../client/command-executor.ts';
import type { CommandHandler } from '../../client/index.ts';
import { SeenCommands } from '../../client/seen-commands.ts';
import { FakeClock } from '../helpers/clock.ts';
import { until } from '../helpers/eventually.ts';
import { fakeBroker } from '../helpers/fake-broker.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { client, deferred, reconnected, type TestClientOptions } from './harness.ts';

/** A device that counts what it executes, greeted by a broker. */
async function counting(options: Partial<TestClientOptions> = {}) {
  const broker = await fakeBroker();
  const device = client({ url: broker.url, ...options });
  const executed: string[] = [];
  device.client.onCommand('count', ({ id }) => executed.push(id));
  device.client.start();
  const session = await broker.next();
  await session.greet();
  return { broker, device, session, executed };
}

const DONE = { id: 'c-1', status: 3, data: 1 };

describe('a command that comes again', () => {
  it('is answered with how it ended, and not executed', async () => {
    const { device, session, executed } = await counting();
    session.command('c-1', 'count');
    expect(await session.result()).toMatchObject({ status: 1 });
    expect(await session.result()).toEqual(DONE);
    session.command('c-1', 'count');
    expect(await session.result()).toEqual(DONE);
    expect(executed).toEqual(['c-1']);
    expect(device.left('repeated').map(({ id }) => id)).toEqual(['c-1']);
  });

  it('while it is executed is accepted again', async () => {
    const { device, session } = await counting();
    const end = deferred<void>();
    device.client.onCommand('work', () => end.promise as Promise<undefined>);
    session.command('c-1', 'work');
    session.command('c-1', 'work');
    expect(await session.result()).toMatchObject({ id: 'c-1', status: 1 });
    expect(await session.result()).toMatchObject({ id: 'c-1', status: 1 });
    end.resolve();
    expect(await session.result()).toMatchObject({ id: 'c-1', status: 3 });
    expect(session.frames.left).toEqual([]);
  });

  it('is answered with nothing, if its handler chose to say nothing', async () => {
    const { device, session, executed } = await counting();
    const hang: CommandHandler = (command) => {
      command.ignore();
    };
    device.client.onCommand('hang', hang, { accept: 'manual' });
    session.command('c-1', 'hang');
    session.command('c-1', 'hang');
    session.command('c-2', 'count');
    expect(await session.result()).toMatchObject({ id: 'c-2', status: 1 });
    expect(executed).toEqual(['c-2']);
  });

  it('is known among as many ids as are remembered, and no more', async () => {
    const { session, executed } = await counting({ commands: { remember: 200 } });
    const ask = async (id: string) => {
      session.command(id, 'count');
      while ((await session.result()).status !== 3);
    };
    for (let number = 0; number <= 200; number += 1) await ask(`c-${number}`);
    await ask('c-1');
    expect(executed).toHaveLength(201);
    await ask('c-0');
    expect(executed).toHaveLength(202);
  });
});

describe('after a reconnect', () => {
  it('what is not known to have arrived is said again, before readings', async () => {
    const { broker, device, session } = await counting();
    session.command('c-1', 'count');
    await session.result();
    expect(await session.result()).toEqual(DONE);
    device.client.send({ temp: 1 });
    await session.data();

    const second = await reconnected(broker, device, session);
    await second.greet(0);
    expect(await second.result()).toEqual(DONE);
    expect(await second.data()).toMatchObject({ seq: 1 });
    // This reading had left before the result was said again, so its ack may be from before.
    second.ack(1);
    await device.next('acknowledged');

    const third = await reconnected(broker, device, second);
    await third.greet(1);
    expect(await third.result()).toEqual(DONE);
    device.client.send({ temp: 2 });
    expect(await third.data()).toMatchObject({ seq: 2 });
    third.ack(2);
    await device.next('acknowledged');

    const fourth = await reconnected(broker, device, third);
    await fourth.greet(2);
    device.client.send({ temp: 3 });
    expect(await fourth.data()).toMatchObject({ seq: 3 });
  });

  it('a result is known by the first ack, if a reading that was sent after it has arrived', async () => {
    const { broker, device, session } = await counting();
    session.command('c-1', 'count');
    await session.result();
    await session.result();
    device.client.send({ temp: 1 });
    await session.data();
    const second = await reconnected(broker, device, session);
    await second.greet(1);
    device.client.send({ temp: 2 });
    expect(await second.data()).toMatchObject({ seq: 2 });
  });

  it('what was finished without a connection is said', async () => {
    const { broker, device, session } = await counting();
    const end = deferred<string>();
    device.client.onCommand('work', () => end.promise);
    session.command('c-1', 'work');
    await session.result();
    session.cut();
    const { retryIn } = await device.next('disconnected');
    end.resolve('done alone');
    await until(() => device.left('answered').length === 2);
    device.clock.advance(retryIn ?? 0);
    const second = await broker.next();
    await second.greet();
    expect(await second.result()).toEqual({ id: 'c-1', status: 3, data: 'done alone' });
  });

  it('a result is said for ten minutes if no reading follows', async () => {
    const { broker, device, session } = await counting();
    session.command('c-1', 'count');
    await session.result();
    await session.result();
    const second = await reconnected(broker, device, session);
    await second.greet(0, { keepalive: 3600 });
    expect(await second.result()).toEqual(DONE);
    device.clock.advance(600_000);
    const third = await reconnected(broker, device, second);
    await third.greet();
    third.command('c-2', 'count');
    expect(await third.result()).toMatchObject({ id: 'c-2', status: 1 });
  });
});

describe('a device that keeps its commands in a file', () => {
  const restarted = async (file: string) => counting({ commands: { file } });

  it('knows after a restart what it has done, and says it until an ack covers it', async () => {
    const file = join(temporaryFolder(), 'commands');
    const first = await restarted(file);
    first.session.command('c-1', 'count');
    await first.session.result();
    expect(await first.session.result()).toEqual(DONE);
    await first.device.client.stop();

    const second = await restarted(file);
    expect(await second.session.result()).toEqual(DONE);
    second.session.command('c-1', 'count');
    expect(await second.session.result()).toEqual(DONE);
    second.device.client.send({ temp: 1 });
    await second.session.data();
    second.session.ack(1);
    await second.device.next('acknowledged');
    await second.device.client.stop();

    const third = await restarted(file);
    third.session.command('c-1', 'count');
    expect(await third.session.result()).toEqual(DONE);
    expect(third.device.left('repeated')).toHaveLength(1);
    expect([...second.executed, ...third.executed]).toEqual([]);
  });

  it('says of what it was executing that it restarted, and executes it no more', async () => {
    const file = join(temporaryFolder(), 'commands');
    const first = await restarted(file);
    first.device.client.onCommand('reboot', () => {
      // What a power cut would find: the id is on disk before its handler begins.
      writeFileSync(`${file}.cut`, readFileSync(file));
      return new Promise<undefined>(() => {});
    });
    first.session.command('c-1', 'reboot');
    expect(await first.session.result()).toMatchObject({ status: 1 });

    const second = await restarted(`${file}.cut`);
    const failed = { id: 'c-1', status: 4, data: { reason: 'the device restarted while executing it' } };
    expect(await second.session.result()).toEqual(failed);
    second.session.command('c-1', 'reboot');
    expect(await second.session.result()).toEqual(failed);
  });

  it('does not execute what it cannot note', async () => {
    const full = () => {
      throw new Error('ENOSPC: no space left on device');
    };
    const answers: unknown[] = [];
    const executor = new CommandExecutor({
      unconfirmed: { put: (_name, frame) => void answers.push(new FrameReader().read(frame)), mention() {} },
      clock: new FakeClock(),
      notify() {},
      concurrency: 1,
    });
    executor.handle('count', { accept: 'auto', handler: full });
    executor.start(new SeenCommands(200, { add: full, note() {} }));
    const command = { kind: FRAME.command, id: 'c-1', name: 'count', args: null, ttl: 1000 } as const;
    executor.receive(command);
    executor.receive(command);
    const reason = 'the device could not note the command: ENOSPC: no space left on device';
    const failed = { kind: FRAME.result, id: 'c-1', status: 4, data: { reason } };
    expect(answers).toEqual([failed, failed]);
  });
});
