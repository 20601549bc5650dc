/** Two things in the same moment: what is asked, what is saved, and who connects meanwhile. */
import { describe, expect, it } from 'vitest';
import { commandWorld, holdSaves, requestOf, rest, saveOneByOne, steps } from './world.ts';

const ids = (frames: readonly { readonly id: string }[]) => frames.map(({ id }) => id);

describe('"I sent open, then close, and the valve did close, then open"', () => {
  it('not when the first one takes the place of an older one, and is saved along with that', async () => {
    const world = await commandWorld();
    const device = await world.connect();
    await world.ask({ id: 'older', supersede: 'valve' });
    device.commands();
    const open = world.commands.issue(requestOf({ id: null, name: 'open', supersede: 'valve' }));
    const close = world.commands.issue(requestOf({ id: null, name: 'close' }));
    await Promise.all([open, close]);
    await rest();
    expect(device.commands().map(({ name }) => name)).toEqual(['open', 'close']);
  });

  it('not when room for the first one comes in the moment in which the second is asked for', async () => {
    const world = await commandWorld({ limits: { inFlight: 2 } });
    const device = await world.connect();
    for (const id of ['a', 'b', 'open']) await world.ask({ id });
    expect(ids(device.commands())).toEqual(['a', 'b']);
    world.known('other');
    const held = holdSaves(world.database);
    const busy = world.commands.issue(requestOf({ device: 'other' }));
    await rest();
    await device.answer('a', 'done');
    await device.answer('b', 'done');
    const close = world.commands.issue(requestOf({ name: 'close' }));
    await held.release();
    await Promise.all([busy, close]);
    await rest();
    expect(device.commands().map(({ name }) => name)).toEqual(['reboot', 'close']);
  });
});

describe('a device that connects anew while its command is being saved', () => {
  it('gets it on the new connection, at once', async () => {
    const world = await commandWorld();
    await world.connect();
    const held = holdSaves(world.database);
    const asked = world.commands.issue(requestOf());
    await rest();
    const again = await world.connect();
    await held.release();
    const { command } = await asked;
    expect(ids(again.commands())).toEqual([command.id]);
    expect(await world.now(command.id)).toMatchObject({ status: 'written', attempts: 1 });
  });

  it('gets it once for each attempt that is counted', async () => {
    const world = await commandWorld();
    world.known();
    const { id } = await world.ask();
    const held = holdSaves(world.database);
    const first = await world.connect();
    const second = await world.connect();
    await held.release();
    const written = [...first.commands(), ...second.commands()];
    const { attempts } = await world.now(id);
    expect(written).toHaveLength(attempts);
  });
});

it('"Now or never" is never, when the device goes while the command is being saved', async () => {
  const world = await commandWorld({ limits: { inFlight: 1 } });
  const device = await world.connect();
  await world.ask({ id: 'before' });
  const held = holdSaves(world.database);
  const asked = world.commands.issue(requestOf({ id: null, ttl: 0 }));
  await rest();
  await device.disconnect();
  await held.release();
  const { command } = await asked;
  await world.pass(0);
  expect(await world.now(command.id)).toMatchObject({ status: 'failed' });
});

it('an attempt that no connection took does not count', async () => {
  const world = await commandWorld();
  const device = await world.connect();
  const held = holdSaves(world.database);
  const asked = world.commands.issue(requestOf());
  await rest();
  device.end();
  await held.release();
  const { command } = await asked;
  await device.disconnect();
  const again = await world.connect();
  expect(ids(again.commands())).toEqual([command.id]);
  expect(await world.now(command.id)).toMatchObject({ attempts: 1 });
});

describe('a command that has ended before anybody could know of it', () => {
  it('is not cancelled on top', async () => {
    const world = await commandWorld();
    world.known();
    const held = holdSaves(world.database);
    const asked = world.commands.issue(requestOf({ id: 'a', ttl: 0 }));
    await rest();
    const cancelled = expect(world.commands.cancel('acme', 'a', 'key2')).rejects.toMatchObject({
      code: 'conflict',
    });
    await held.release();
    await cancelled;
    await asked;
    expect(steps(await world.now('a'))).toEqual(['queued', 'failed']);
    expect(world.told.filter(({ id }) => id === 'a')).toHaveLength(1);
  });

  it('stays what it is when its device is forgotten', async () => {
    const world = await commandWorld();
    const device = world.known();
    const held = holdSaves(world.database);
    const asked = world.commands.issue(requestOf({ id: 'a', ttl: 0 }));
    await rest();
    world.fleet.forget(device);
    await held.release();
    await asked;
    expect(steps(await world.now('a'))).toEqual(['queued', 'failed']);
  });
});

describe('"The queue is full of old orders for the valve, and the new one is refused"', () => {
  it('not with supersede: it needs no room but theirs', async () => {
    const world = await commandWorld({ limits: { waitingPerDevice: 2 } });
    world.known();
    await world.ask({ id: 'other' });
    await world.ask({ id: 'old', supersede: 'valve' });
    expect(await world.ask({ id: 'new', supersede: 'valve' })).toMatchObject({ status: 'queued' });
    expect((await world.now('old')).status).toBe('cancelled');
  });

  it('and nothing else is given up for it', async () => {
    const world = await commandWorld({ limits: { waitingPerDevice: 2 } });
    world.known();
    await world.ask({ id: 'other' });
    await world.ask({ id: 'old', supersede: 'valve' });
    await world.ask({ id: 'new', supersede: 'valve', whenFull: 'expire-oldest' });
    expect((await world.now('other')).status).toBe('queued');
  });

  it('and a refusal takes nothing away', async () => {
    const world = await commandWorld({ limits: { waitingPerDevice: 1 } });
    world.known();
    await world.ask({ id: 'a' });
    await expect(world.commands.issue(requestOf({ supersede: 'valve' }))).rejects.toMatchObject({
      code: 'too-many-commands',
    });
    expect((await world.now('a')).status).toBe('queued');
  });
});

it('a command whose time has run out is not sent any more, however late the broker is', async () => {
  const world = await commandWorld();
  const device = await world.connect();
  const held = holdSaves(world.database);
  const asked = world.commands.issue(requestOf({ ttl: 50 }));
  await rest();
  await world.pass(60);
  await held.release();
  const { command } = await asked;
  expect(device.commands()).toEqual([]);
  await world.pass(1);
  expect(await world.now(command.id)).toMatchObject({ status: 'expired' });
});

describe('what is ended while it is being saved', () => {
  it('is answered as ended when that is durable, and not before', async () => {
    const world = await commandWorld();
    world.known();
    const saves = saveOneByOne(world.database);
    const older = world.commands.issue(requestOf({ id: 'older', supersede: 'valve' }));
    await rest();
    const newer = world.commands.issue(requestOf({ id: 'newer', supersede: 'valve' }));
    let answered = '';
    void older.then(({ command }) => {
      answered = command.status;
    });
    await saves.next();
    expect({ answered, told: world.told }).toEqual({ answered: '', told: [] });
    await saves.next();
    expect(answered).toBe('cancelled');
    await newer;
  });

  it('is not told as ended by the word that its bytes are out', async () => {
    const world = await commandWorld();
    const device = await world.connect();
    let areOut = () => {};
    device.transport.write = (bytes, written) => {
      device.transport.send(bytes);
      areOut = written;
    };
    const { id } = await world.ask();
    const saves = saveOneByOne(world.database);
    const cancelled = world.commands.cancel('acme', id, 'key1');
    await rest();
    areOut();
    expect(world.told.map(({ status }) => status)).toEqual(['queued']);
    await saves.next();
    expect((await cancelled)?.status).toBe('cancelled');
    expect(world.told.map(({ status }) => status)).toEqual(['queued', 'cancelled']);
    expect(world.told.at(-1)?.timeline.map(({ status }) => status)).toEqual([
      'queued',
      'written',
      'cancelled',
    ]);
    await saves.release();
  });

  it('is waited for by whoever cancels everything that waits', async () => {
    const world = await commandWorld();
    world.known();
    const { id } = await world.ask();
    const saves = saveOneByOne(world.database);
    const one = world.commands.cancel('acme', id, 'key1');
    let answered = -1;
    const all = world.commands.cancelWaiting('acme', 'pump', 'key2').then((count) => {
      answered = count;
    });
    await rest();
    expect(answered).toBe(-1);
    await saves.next();
    await Promise.all([one, all]);
    expect(answered).toBe(0);
  });
});

it('two who ask with one id in the same moment have one command', async () => {
  const world = await commandWorld();
  const device = await world.connect();
  const asked = await Promise.all([1, 2, 3].map(() => world.commands.issue(requestOf({ id: 'order-66' }))));
  await rest();
  expect(asked.map(({ created }) => created)).toEqual([true, false, false]);
  expect(ids(device.commands())).toEqual(['order-66']);
});

it('a command with an id of its own does not wait for what others are having saved', async () => {
  const world = await commandWorld();
  world.known();
  const saves = saveOneByOne(world.database);
  const first = world.commands.issue(requestOf({ id: 'a' }));
  await rest();
  const others = ['b', null].map((id) => world.commands.issue(requestOf({ id })));
  await rest();
  while (saves.waiting > 0) await saves.next();
  await Promise.all([first, ...others]);
  expect(saves.ids).toEqual([['a'], ['c1', 'b']]);
});
