import { describe, expect, it } from 'vitest';
import { Counters } from '../../broker/hub/counters.ts';
import { EventFeed } from '../../broker/hub/fleet/events.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { Ingest, type LiveSource } from '../../broker/hub/telemetry/ingest.ts';
import { readBatch, SourceHandle } from '../../broker/store/batch.ts';
import { FRAME, type TelemetryFrame } from '../../broker/wire/frames.ts';
import { FakeClock } from '../helpers/clock.ts';
import { followFrom, GatedLog } from '../helpers/gated-log.ts';

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const NAMES = ['temp'];

function telemetry(seq: number | null, temp: number): TelemetryFrame {
  return { kind: FRAME.telemetry, seq, time: null, names: NAMES, values: [temp] };
}

function setUp(batchBytes = 1_000_000) {
  const log = new GatedLog();
  log.holdBack();
  const clock = new FakeClock();
  const fleet = new Fleet(new Revisions(clock.now()));
  const counters = new Counters();
  const limits = { metricsPerDevice: 2, stateBytes: 1000, valueBytes: 500, batchBytes, commitSpacing: 4 };
  const ingest = new Ingest({ log, fleet, events: new EventFeed(), counters, clock, limits });
  followFrom(ingest);
  const connect = (session: string, boot = 'u1') => {
    const device = fleet.obtain('acme', 'pump');
    const acks: number[] = [];
    const source = new SourceHandle({ customer: 'acme', device: 'pump', session, boot, fields: null });
    const origin: LiveSource = {
      device,
      session,
      boot,
      source,
      progress: device.boots.enter(boot),
      durable: (seq) => acks.push(seq),
      introduced: () => {},
    };
    const send = (seq: number | null, temp: number, cost?: number) =>
      ingest.accept(origin, telemetry(seq, temp), Uint8Array.of(seq ?? 0), clock.now(), cost);
    return { origin, acks, send, temp: () => [...device.metrics.changedSince(0)][0]?.value };
  };
  return { log, clock, counters, ingest, connect };
}

describe('commit, then tell', () => {
  it('P-4.2: shows and acknowledges nothing before its commit is through', async () => {
    const { log, connect } = setUp();
    const { send, acks, temp } = connect('s1');
    send(1, 20);
    await nextTurn();
    expect([log.appended.length, acks, temp()]).toEqual([1, [], undefined]);
    await log.commit();
    expect([acks, temp()]).toEqual([[1], 20]);
  });

  it('commits the frames of one turn together, and a lone frame without waiting for a timer', async () => {
    const { log, connect, clock } = setUp();
    const { send } = connect('s1');
    send(1, 20);
    send(2, 21);
    await nextTurn();
    await log.commit();
    clock.advance(4);
    send(3, 22);
    await nextTurn();
    expect(
      log.appended.map((payload) => [...readBatch({ payload, sources: log.batch.sources })].length),
    ).toEqual([2, 1]);
  });

  it('spaces commits while frames keep coming', async () => {
    const { log, connect, clock } = setUp();
    const { send } = connect('s1');
    send(1, 20);
    await nextTurn();
    send(2, 21);
    await log.commit();
    expect(log.appended).toHaveLength(1);
    clock.advance(4);
    expect(log.appended).toHaveLength(2);
  });

  it('starts a commit at once, whatever the loop is at, when the batch is worth it and none is in flight', async () => {
    const { log, connect } = setUp(8_000_000);
    const { send } = connect('s1');
    send(1, 20, 1_200_000);
    expect(log.appended).toHaveLength(0);
    send(2, 21, 1_200_000);
    expect(log.appended).toHaveLength(1);
    send(3, 22, 5_000_000);
    expect(log.appended).toHaveLength(1);
    await log.commit();
    expect(log.appended).toHaveLength(2);
    await log.commit();
    await nextTurn();
    expect(
      log.appended.map((payload) => [...readBatch({ payload, sources: log.batch.sources })].length),
    ).toEqual([2, 1]);
  });

  it('P-2.2: is full when its frames cost too much in memory, however few their bytes are', () => {
    const { ingest, connect } = setUp(1_000_000);
    const { send } = connect('s1');
    send(1, 20, 999_000);
    expect(ingest.full).toBe(false);
    send(2, 21, 1000);
    expect(ingest.full).toBe(true);
  });

  it('commits at its usual pace while the wall clock is set back by an hour, and ahead by a day', async () => {
    const { log, connect, clock } = setUp();
    const { send, acks } = connect('s1');
    for (const step of [0, -3_600_000, 86_400_000]) {
      clock.setWall(clock.now() + step);
      send(acks.length + 1, 20);
      await nextTurn();
      await log.commit();
      clock.advance(4);
    }
    expect(acks).toEqual([1, 2, 3]);
  });

  it('P-4.3: a repeated frame changes nothing and is acknowledged again', async () => {
    const { log, connect, counters } = setUp();
    const { send, acks, temp } = connect('s1');
    send(1, 20);
    await nextTurn();
    await log.commit();
    expect(send(1, 99)).toBe('repeated');
    expect([acks, temp(), counters.framesRepeated, log.appended.length]).toEqual([[1, 1], 20, 1, 1]);
  });

  it('P-4.3: a frame repeated on a new connection while its first copy waits is acknowledged there, once it is durable', async () => {
    const { log, connect } = setUp();
    connect('s1').send(1, 20);
    await nextTurn();
    const again = connect('s2');
    expect(again.send(1, 20)).toBe('repeated');
    expect(again.acks).toEqual([]);
    await log.commit();
    expect(again.acks).toEqual([1]);
    expect([
      ...readBatch({ payload: log.appended[0] as Uint8Array, sources: log.batch.sources }),
    ]).toHaveLength(1);
  });

  it('takes frames without a seq and acknowledges none of them', async () => {
    const { log, connect } = setUp();
    const { send, acks, temp } = connect('s1');
    send(null, 20);
    send(null, 21);
    await nextTurn();
    await log.commit();
    expect([acks, temp()]).toEqual([[], 21]);
  });

  it('refuses a frame that would pass the number of metrics, and does not count its seq as taken', async () => {
    const { connect, ingest, clock } = setUp();
    const { origin, send } = connect('s1');
    const names = ['a', 'b', 'c'];
    const tooMany = { ...telemetry(1, 0), names, values: [1, 2, 3] };
    expect(ingest.accept(origin, tooMany, Uint8Array.of(1), clock.now())).toBe('too-many-metrics');
    expect(send(1, 20)).toBe('accepted');
  });

  it('P-7.2: says that it is full at its bytes, and calls back when the batch goes', async () => {
    const { log, connect, ingest } = setUp(200);
    const { send } = connect('s1');
    let called = 0;
    for (let seq = 1; !ingest.full; seq += 1) send(seq, 20);
    ingest.whenRoom(() => {
      called += 1;
    });
    expect(called).toBe(0);
    await nextTurn();
    expect([called, ingest.full]).toEqual([1, false]);
    await log.commit();
    expect(called).toBe(1);
  });

  it('acknowledges nothing after a failure, takes no more commits, and lets nobody wait for ever', async () => {
    const { log, connect, ingest } = setUp();
    const { send, acks, temp } = connect('s1');
    send(1, 20);
    const flushed = ingest.flushed();
    await nextTurn();
    send(2, 21);
    await log.fail();
    await flushed;
    send(3, 22);
    await nextTurn();
    expect([acks, temp(), log.appended.length, ingest.full]).toEqual([[], undefined, 1, true]);
  });
});
