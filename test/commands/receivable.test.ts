/** P-3.2: what a device cannot receive is refused to whoever asks, and never written. */
import { describe, expect, it } from 'vitest';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { commandWorld, rest, steps } from './world.ts';

const LONG = { script: Array.from({ length: 3 }, () => 'x'.repeat(3000)) };
const REASON = /takes a frame of 90\d\d bytes, and the device can receive 4096 at most/;

async function connected(world: Awaited<ReturnType<typeof commandWorld>>, maxFrame?: number) {
  const opened = world.open(`s${world.counters.connectionsOpened + 1}`);
  opened.session.receive(encodeHello(maxFrame === undefined ? {} : { maxFrame }));
  await rest();
  const commands = () =>
    opened.transport.take().flatMap((frame) => (frame.kind === FRAME.command ? [frame.id] : []));
  return { ...opened, commands };
}

describe('a command of 9 KB to a device that can receive 4 KiB', () => {
  it('is refused with both numbers while the device is connected, and what fits is written', async () => {
    const world = await commandWorld();
    const device = await connected(world, 4096);
    const refused = expect.objectContaining({
      code: 'too-large-for-device',
      message: expect.stringMatching(REASON),
    });
    await expect(world.ask({ args: LONG })).rejects.toEqual(refused);
    const { id } = await world.ask({ args: { script: 'x'.repeat(3900) } });
    expect(device.commands()).toEqual([id]);
  });

  it('is refused while the device is away, by what its last hello said', async () => {
    const world = await commandWorld();
    const { session } = await connected(world, 4096);
    session.closed('connection-lost');
    await expect(world.ask({ args: LONG })).rejects.toMatchObject({ code: 'too-large-for-device' });
    expect(world.commands.waiting).toBe(0);
  });

  it('fails with that reason when it waited before anybody knew, costs no attempt, and holds nobody up', async () => {
    const world = await commandWorld({ limits: { inFlight: 1 } });
    world.known();
    await world.ask({ id: 'long', args: LONG });
    await world.ask({ id: 'short' });
    const device = await connected(world, 4096);
    expect(device.commands()).toEqual(['short']);
    const command = await world.now('long');
    expect(command).toMatchObject({ status: 'failed', attempts: 0 });
    expect(steps(command)).toEqual(['queued', 'failed']);
    expect(command.timeline[1]?.reason).toMatch(REASON);
  });

  it('that was written and lost is not written again to firmware that cannot receive it', async () => {
    const world = await commandWorld();
    const { session, commands } = await connected(world);
    await world.ask({ id: 'long', args: LONG });
    expect(commands()).toEqual(['long']);
    session.closed('connection-lost');
    const device = await connected(world, 4096);
    expect(device.commands()).toEqual([]);
    expect(await world.now('long')).toMatchObject({ status: 'failed', attempts: 1 });
  });

  it('is written once a hello says no bound any more', async () => {
    const world = await commandWorld();
    const first = await connected(world, 4096);
    first.session.closed('connection-lost');
    const second = await connected(world);
    const { id } = await world.ask({ args: LONG });
    expect(second.commands()).toEqual([id]);
  });

  it('is refused still to a device that connects and says no hello', async () => {
    const world = await commandWorld();
    const { session } = await connected(world, 4096);
    session.closed('connection-lost');
    const { session: silent } = world.open('s2');
    silent.receive(encodeTelemetry(1, null, { temp: 21.5 }));
    await rest();
    await expect(world.ask({ args: LONG })).rejects.toMatchObject({ code: 'too-large-for-device' });
  });
});

it('P-7.5: a command for a device that sleeps says until when it waits', async () => {
  const world = await commandWorld();
  const { session, device } = await connected(world);
  session.closed('device-closed', 'sleep 3600');
  const command = await world.ask({ ttl: 7_200_000 });
  const until = new Date(device.presence.asleep?.until ?? 0).toISOString();
  expect(world.commands.waitingFor(command)).toBe(`device asleep until ${until}`);
  const later = await connected(world);
  expect(later.commands()).toEqual([command.id]);
});
