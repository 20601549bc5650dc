/** From records of the log to messages: all of them, in order, and nothing in their way. */
import { describe, expect, it } from 'vitest';
import { LogMessages, type LogRoutes, type RecordPortion } from '../../broker/bridge/thread/log-messages.ts';
import { NewestMessages } from '../../broker/bridge/thread/publisher.ts';
import { BatchBuilder, SourceHandle } from '../../broker/store/batch.ts';
import { positionOf } from '../../broker/store/position.ts';
import { encodeEvent, encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';

const ARRIVAL = 1_780_000_000_000;
const EACH = { mode: 'each', qos: 1, retain: false } as const;

function setUp(routes: Partial<LogRoutes> = {}) {
  let unreadable = 0;
  const counted = () => {
    unreadable += 1;
  };
  const all = { telemetry: EACH, event: EACH, ...routes };
  const messages = new LogMessages({ baseTopic: 'base', routes: all, unreadable: counted });
  const rest = () => {
    const taken: string[] = [];
    for (let next = messages.next(); next; next = messages.next())
      taken.push(`${next.topic} ${next.payload}`);
    return taken;
  };
  return { messages, rest, unreadable: () => unreadable };
}

/** A record of frames, each with its device. */
function record(position: number, ...frames: readonly [device: string, bytes: Uint8Array][]): RecordPortion {
  const builder = new BatchBuilder();
  for (const [device, bytes] of frames) {
    const fields = device === 'positional' ? ['temp', 'rpm'] : null;
    const source = { customer: 'acme', device, session: 's', boot: 'u1', fields };
    builder.add(new SourceHandle(source), ARRIVAL, bytes);
  }
  const [payload] = builder.take();
  const records = [
    { position: positionOf(position), end: positionOf(position + 100), payload: payload as Uint8Array },
  ];
  return { records, knownSources: 0, sources: builder.sources };
}

function addAll(messages: LogMessages, portions: readonly RecordPortion[]): void {
  for (const portion of portions) messages.add(portion);
}

describe('messages of the log', () => {
  it('say which record is not done with', () => {
    const { messages, rest } = setUp();
    expect(messages.position).toBeNull();
    addAll(messages, [
      record(0, ['a', encodeTelemetry(1, null, { n: 1 })], ['a', encodeTelemetry(2, null, { n: 2 })]),
    ]);
    addAll(messages, [record(100, ['a', encodeTelemetry(3, null, { n: 3 })])]);
    expect(messages.next()?.position).toBe(0);
    expect(messages.position).toBe(0);
    expect(rest()).toHaveLength(2);
    expect(messages.position).toBe(200);
  });

  it('know positional values by the fields of their session, and times that cannot be right', () => {
    const { messages, rest } = setUp();
    addAll(messages, [
      record(
        0,
        ['positional', encodeTelemetry(1, 5000, [21.5, null])],
        ['named', encodeTelemetry(2, -1000, { temp: -0, text: 'a"b' })],
        ['positional', encodeTelemetry(null, ARRIVAL + 1, [22, 1450])],
      ),
    ]);
    expect(rest()).toEqual([
      `base/acme/positional/telemetry {"time":${ARRIVAL},"seq":1,"values":{"temp":21.5,"rpm":null}}`,
      `base/acme/named/telemetry {"time":${ARRIVAL - 1000},"seq":2,"values":{"temp":0,"text":"a\\"b"}}`,
      `base/acme/positional/telemetry {"time":${ARRIVAL + 1},"seq":null,"values":{"temp":22,"rpm":1450}}`,
    ]);
  });

  it('that cannot be read are counted, and the rest comes', () => {
    const { messages, rest, unreadable } = setUp();
    addAll(messages, [
      record(
        0,
        ['a', Buffer.from([0xff])],
        ['a', encodeHello({ boot: 1 })],
        ['a', encodeTelemetry(1, null, { n: 1 })],
      ),
      {
        records: [{ position: positionOf(100), end: positionOf(200), payload: Buffer.from([9, 9, 9]) }],
        knownSources: 0,
        sources: [],
      },
      record(200, ['b', encodeTelemetry(1, null, { n: 2 })]),
    ]);
    expect(rest().map((text) => text.split(' ')[0])).toEqual([
      'base/acme/a/telemetry',
      'base/acme/b/telemetry',
    ]);
    expect(unreadable()).toBe(2);
    expect(messages.position).toBe(300);
  });

  it('of a route that is off are none, and the record is done with', () => {
    const { messages, rest } = setUp({ telemetry: { ...EACH, mode: 'off' } });
    addAll(messages, [
      record(0, ['a', encodeTelemetry(1, null, { n: 1 })], ['a', encodeEvent(2, null, 4, 'door')]),
    ]);
    expect(rest()).toEqual([`base/acme/a/event {"time":${ARRIVAL},"severity":4,"name":"door","data":null}`]);
    expect(messages.position).toBe(100);
  });
});

describe('of a route of which only the newest is wanted', () => {
  it('what waits is replaced, events stay, and the oldest record that waits is known', () => {
    const { messages } = setUp({ telemetry: { ...EACH, mode: 'newest' } });
    let replaced = 0;
    const counted = () => {
      replaced += 1;
    };
    const newest = new NewestMessages({ source: messages, maxBytes: 100_000, replaced: counted });
    addAll(messages, [
      record(0, ['a', encodeTelemetry(1, null, { n: 1 })], ['a', encodeEvent(2, null, 4, 'door')]),
    ]);
    addAll(messages, [
      record(100, ['b', encodeTelemetry(1, null, { n: 2 })], ['a', encodeTelemetry(3, null, { n: 3 })]),
    ]);
    newest.fill();
    expect([newest.position, messages.position]).toEqual([0, 200]);
    expect(newest.next()?.topic).toBe('base/acme/a/event');
    expect(newest.position).toBe(100);
    expect([newest.next()?.payload, newest.next()?.payload, newest.next()]).toEqual([
      expect.stringContaining('"n":2'),
      expect.stringContaining('"n":3'),
      null,
    ]);
    expect([replaced, newest.position]).toEqual([1, null]);
    addAll(messages, [record(200, ['a', encodeTelemetry(4, null, { n: 4 })])]);
    expect(newest.next()?.payload).toContain('"n":4');
  });

  it('no more waits than there is room for', () => {
    const { messages } = setUp({ telemetry: { ...EACH, mode: 'newest' } });
    const newest = new NewestMessages({ source: messages, maxBytes: 150, replaced: () => {} });
    const frames = ['a', 'b', 'c', 'd'].map(
      (id) => [id, encodeTelemetry(1, null, { n: 1 })] as [string, Uint8Array],
    );
    addAll(messages, [record(0, ...frames)]);
    newest.fill();
    expect(messages.position).toBe(0);
    expect([1, 2, 3, 4, 5].map(() => newest.next()?.topic.split('/')[2])).toEqual([
      'a',
      'b',
      'c',
      'd',
      undefined,
    ]);
  });
});
