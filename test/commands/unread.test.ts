/** A device that is connected and does not read: what is asked of it waits in the broker with its reason, not in the socket. */
import { expect, it } from 'vitest';
import { UNREAD_BYTES } from '../../broker/hub/sendable.ts';
import { commandWorld } from './world.ts';

const BIG = { args: 'x'.repeat(4000) };

/** `pump`, which has not read `UNREAD_BYTES` of what it was sent. */
async function stuckWorld() {
  const world = await commandWorld();
  const device = await world.connect();
  device.frames();
  device.transport.bufferedBytes = UNREAD_BYTES;
  return { ...world, device };
}

it('its commands wait, and say that it does not read', async () => {
  const { ask, now, commands, device } = await stuckWorld();
  const { id } = await ask(BIG);
  expect(device.commands()).toEqual([]);
  const waiting = await now(id);
  expect(waiting.status).toBe('queued');
  expect(commands.waitingFor(waiting)).toBe('the device does not read what was sent to it before');
});

it('commands that end meanwhile make no room for more bytes', async () => {
  const { ask, pass, device } = await stuckWorld();
  for (let number = 0; number < 100; number += 1) {
    await ask({ ...BIG, ttl: 1000 });
    await pass(1000);
  }
  expect(device.commands()).toEqual([]);
});

it('gets them, oldest first, a moment after it reads again', async () => {
  const { ask, pass, device } = await stuckWorld();
  const asked = [await ask(BIG), await ask(BIG)];
  device.transport.bufferedBytes = 0;
  await pass(1000);
  expect(device.commands().map(({ id }) => id)).toEqual(asked.map(({ id }) => id));
});

it('is written to up to the bound, and the rest when that has left', async () => {
  const { connect, ask, now } = await commandWorld();
  const { transport } = await connect();
  const left: (() => void)[] = [];
  transport.write = (bytes, written) => {
    transport.bufferedBytes += bytes.length;
    left.push(() => {
      transport.bufferedBytes -= bytes.length;
      written();
    });
  };
  const asked = [];
  for (let number = 0; number < 10; number += 1)
    asked.push(await ask({ args: Array.from({ length: 4 }, () => 'x'.repeat(4000)) }));
  expect(left.length).toBe(5);
  expect(transport.bufferedBytes).toBeLessThan(UNREAD_BYTES + 17_000);
  for (const leave of left.splice(0)) leave();
  for (const leave of left.splice(0)) leave();
  expect((await now(asked[4]!.id)).status).toBe('written');
});

it("now or never is written when it reads within the command's time, and ends with the reason if not", async () => {
  const { ask, pass, now } = await stuckWorld();
  const { id } = await ask({ ...BIG, ttl: 0 });
  await pass(60_000);
  const ended = await now(id);
  expect(ended.status).toBe('expired');
  expect(ended.timeline.at(-1)?.reason).toMatch(/does not read/);
});
