/** Who is connected is told after its commit, like everything else; what is written to a device goes by its connection of this moment. */
import { describe, expect, it } from 'vitest';
import { forgetDevice } from '../../broker/hub/fleet/device-registry.ts';
import type { DeviceRow } from '../../broker/store/ports.ts';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { FakeTransport, nextTurn, sessionHarness } from '../helpers/session.ts';

const AT_ONCE = { store: { commitSpacing: 0 } };

function heldHarness() {
  const harness = sessionHarness(AT_ONCE);
  const told: string[] = [];
  harness.fleet.onPresence(({ id }, { state, session, reason }) =>
    told.push([id, state, session, reason].filter(Boolean).join(' ')),
  );
  harness.log.holdBack();
  return { ...harness, told };
}

describe('presence', () => {
  it('is told when its record is committed, and not before', async () => {
    const { open, sessions, fleet, log, ingest, told } = heldHarness();
    const { session, device, transport } = open('s1');
    session.receive(encodeHello({ model: 'P7', maxFrame: 300 }));
    await nextTurn();
    // Nobody sees the device, which has been welcomed, and its hello waits for its answer.
    expect([told, fleet.online, device.online, device.description.model]).toEqual([[], 0, false, null]);
    expect(transport.take()).toMatchObject([{ kind: FRAME.welcome }]);
    log.release();
    await ingest.flushed();
    // P-3.2: who asks for the device after the answer finds what it said of itself.
    expect(transport.take()).toEqual([{ kind: FRAME.ack, seq: 0 }]);
    expect([told, fleet.online, device.description.model]).toEqual([['pump online s1'], 1, 'P7']);

    log.holdBack();
    sessions.closed(session, 'device-closed', 'sleep 60');
    await nextTurn();
    expect([told.length, device.online, device.member]).toEqual([1, true, null]);
    log.release();
    await ingest.flushed();
    expect(told).toEqual(['pump online s1', 'pump offline s1 asleep']);
  });

  it('of a device that nobody knows makes it known', async () => {
    const { fleet, sessions, log, ingest } = heldHarness();
    const device = fleet.arrive('acme', 'new');
    sessions.open({ session: 's1', keyId: 'k', device }, new FakeTransport());
    await nextTurn();
    expect([fleet.find('acme', 'new'), [...fleet.devices('*')], fleet.total]).toEqual([null, [], 0]);
    // It counts for the limit, and the next connection of this name finds it.
    expect([fleet.countOf('acme'), fleet.arrive('acme', 'new') === device]).toEqual([1, true]);
    expect(fleet.memberOf('acme', 'new')?.session).toBe('s1');
    log.release();
    await ingest.flushed();
    expect([fleet.find('acme', 'new') === device, fleet.countOf('acme'), fleet.total]).toEqual([true, 1, 1]);
  });

  it('P-1.6: a takeover happens at once, before anybody hears of either connection', async () => {
    const { open, sessions, log, ingest, told } = heldHarness();
    const first = open('s1');
    const { device } = open('s2');
    expect(first.transport.closes).toMatchObject([{ code: 4001 }]);
    expect([device.member?.session, told]).toEqual(['s2', []]);
    sessions.closed(first.session, 'device-closed');
    log.release();
    await ingest.flushed();
    // The end of the first is in the log, and says nothing of the device.
    expect(told).toEqual(['pump online s1', 'pump online s2']);
    expect(device.online).toBe(true);
  });

  it('goes with the data of its record: what a device sent as it left is there before it is away', async () => {
    const { open, sessions, log, ingest, fleet } = heldHarness();
    const { session, device } = open('s1');
    session.receive(encodeTelemetry(1, null, { temp: 21 }));
    sessions.closed(session, 'connection-lost');
    const seen: unknown[] = [];
    fleet.onPresence((_device, { state }) =>
      seen.push([state, [...device.metrics.changedSince(0)].map(({ value }) => value)]),
    );
    log.release();
    await ingest.flushed();
    expect(seen).toEqual([
      ['online', []],
      ['offline', [21]],
    ]);
  });

  it('"The disk was full for an hour, and the dashboard showed everybody as connected": it does not, and nothing is told twice', async () => {
    const { open, sessions, log, ingest, told } = heldHarness();
    log.release();
    const all = ['a', 'b', 'c'].map((id) => open(`s-${id}`, 'key', id));
    await ingest.flushed();
    log.holdBack();
    const [before, while_] = all as [(typeof all)[0], (typeof all)[0]];
    sessions.closed(before.session, 'connection-lost');
    await nextTurn();
    expect(told.slice(3)).toEqual([]);
    ingest.obstructed(true);
    sessions.closed(while_.session, 'connection-lost');
    expect(told.slice(3)).toEqual(['a offline s-a connection-lost', 'b offline s-b connection-lost']);
    const { rev } = before.device.presence;
    ingest.obstructed(false);
    log.release();
    await ingest.flushed();
    expect([told.length, before.device.presence.rev]).toEqual([5, rev]);
    // Nothing that changed nothing waits to be saved.
    expect(before.device.appliedTo < ingest.position).toBe(true);
  });

  it('of ten thousand devices that connect at once takes a few commits', async () => {
    const { open, log, fleet, ingest } = sessionHarness(AT_ONCE);
    for (let index = 0; index < 10_000; index += 1) {
      const { session } = open(`s${index}`, 'key', `d${index}`);
      session.receive(encodeHello({ boot: index, model: 'P7' }));
    }
    await ingest.flushed();
    expect([fleet.online, log.appended.length < 20]).toEqual([10_000, true]);
    const bytes = log.appended.reduce((sum, { length }) => sum + length, 0);
    expect(bytes / 10_000).toBeLessThan(500);
  });
});

it('"I forgot the device in the moment in which it connected, and it stayed": it is known first, and then it goes', async () => {
  const { fleet, sessions, log, ingest } = heldHarness();
  const device = fleet.arrive('acme', 'new');
  const transport = new FakeTransport();
  const session = sessions.open({ session: 's1', keyId: 'k', device }, transport);
  const rows: DeviceRow[] = [];
  const saveDevices = async (saved: readonly DeviceRow[]) => void rows.push(...saved);
  const forgotten = forgetDevice({ fleet, ingest, state: { saveDevices } }, 'acme', 'new');
  await nextTurn();
  log.release();
  expect(await forgotten).toBe(true);
  expect([fleet.total, fleet.online, transport.closes]).toMatchObject([0, 0, [{ code: 4003 }]]);
  sessions.closed(session, 'device-closed');
  await ingest.flushed();
  expect([fleet.total, rows]).toMatchObject([0, [{ device: 'new', body: null }]]);
});

describe('the end of a connection whose device was forgotten meanwhile', () => {
  it('is no news of the device, nor of one that has its name now', async () => {
    const { fleet, open, sessions, ingest, told } = heldHarness();
    ingest.obstructed(false);
    const { session, device } = open('s1');
    fleet.opened(device, 's1', 1);
    fleet.forget(device);
    const again = open('s2');
    expect(again.device).not.toBe(device);
    fleet.opened(again.device, 's2', 2);
    expect(fleet.ended(device, 's1', 3, 'key-ended')).toBe(false);
    expect(fleet.ended(again.device, 's1', 3, 'key-ended')).toBe(false);
    sessions.closed(session, 'device-closed');
    expect([told.length, fleet.online, again.device.member?.session]).toEqual([2, 1, 's2']);
  });
});
