/** The bridge's own packets: what the peer gets is MQTT, and what the peer sends is cut right wherever the network cuts it. */

import { describe, expect, it } from 'vitest';
import { PacketSplitter, PeerProtocolError } from '../../broker/bridge/mqtt/peer-stream.ts';
import { PublishWriter, packetBytes } from '../../broker/bridge/mqtt/publish-writer.ts';
import { Window } from '../../broker/bridge/thread/window.ts';
import { numberOf, positionOf } from '../../broker/store/position.ts';
import { fc } from '../helpers/fast-check.ts';

const puback = (id: number, ...rest: number[]) =>
  Buffer.from([0x40, 2 + rest.length, id >> 8, id & 255, ...rest]);
const PINGRESP = Buffer.from([0xd0, 0]);
const publish = (bytes: number) =>
  Buffer.concat([Buffer.from([0x30, (bytes & 127) | 128, bytes >> 7]), Buffer.alloc(bytes, 0x61)]);

function split(chunks: readonly Buffer[], packetLimit = 1000) {
  const acks: [number, number][] = [];
  const passed: Uint8Array[] = [];
  const splitter = new PacketSplitter(packetLimit, {
    acknowledged: (id, reason) => acks.push([id, reason]),
    passed: (bytes) => passed.push(bytes),
  });
  for (const chunk of chunks) splitter.push(chunk);
  return { acks, passed: Buffer.concat(passed) };
}

describe('what the peer sends', () => {
  const stream = Buffer.concat([
    puback(1),
    PINGRESP,
    puback(258, 0x87, 0),
    publish(300),
    puback(3),
    puback(4, 16),
  ]);

  it('is the same wherever it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const chunks = places.slice(1).map((end, index) => stream.subarray(places[index], end));
        const { acks, passed } = split(chunks);
        expect(acks).toEqual([
          [1, 0],
          [258, 0x87],
          [3, 0],
          [4, 16],
        ]);
        expect(passed).toEqual(Buffer.concat([PINGRESP, publish(300)]));
      }),
    );
  });

  it.each([
    ['a packet that is larger than agreed', Buffer.from([0x30, 0xff, 0xff, 0x03])],
    ['a length that has no end', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff])],
    ['an acknowledgement of nothing', Buffer.from([0x40, 0])],
    ['an acknowledgement as large as a book', Buffer.from([0x40, 0xff, 0xff, 0x03])],
  ])('is refused if it is %s', (_, bytes) => {
    expect(() => split([bytes])).toThrow(PeerProtocolError);
  });
});

describe('a PUBLISH packet', () => {
  const message = { topic: 'a/b', payload: 'grün', qos: 1, retain: true } as const;

  it('is laid out as in section 3.3 of MQTT 3.1.1', () => {
    const writer = new PublishWriter(4);
    writer.write(message, 258, 'again');
    const expected = [0x3b, 12, 0, 3, ...Buffer.from('a/b'), 1, 2, ...Buffer.from('grün')];
    expect([...(writer.drain() ?? [])]).toEqual(expected);
    expect(writer.drain()).toBeNull();
  });

  it('has properties in MQTT 5, correlation data among them', () => {
    const writer = new PublishWriter(5);
    writer.write({ ...message, qos: 0, retain: false, correlationData: Buffer.from([7, 8]) }, 0, 'first');
    const expected = [0x30, 16, 0, 3, ...Buffer.from('a/b'), 5, 9, 0, 2, 7, 8, ...Buffer.from('grün')];
    expect([...(writer.drain() ?? [])]).toEqual(expected);
  });

  it('has the size that was foretold, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.oneof(fc.string({ maxLength: 20_000 }), fc.uint8Array({ maxLength: 300 })),
        fc.option(fc.uint8Array({ maxLength: 20_000 })),
        fc.constantFrom(4 as const, 5 as const),
        (topic, payload, correlationData, version) => {
          const publication = { topic, payload, qos: 1, retain: false, correlationData } as const;
          const writer = new PublishWriter(version);
          writer.write(publication, 1, 'first');
          expect(writer.drain()?.length).toBe(packetBytes(publication, version));
        },
      ),
    );
  });

  it('leaves what was handed out alone', () => {
    const writer = new PublishWriter(5);
    writer.write(message, 1, 'first');
    const first = writer.drain() as Uint8Array;
    const before = Buffer.from(first);
    for (let id = 2; id < 5000; id += 1) writer.write(message, id, 'first');
    expect(Buffer.from(first)).toEqual(before);
    expect(writer.drain()?.length).toBe(4998 * before.length);
  });
});

describe('the window', () => {
  const message = (at: number) =>
    ({ topic: 't', payload: 'x', qos: 1, retain: false, position: positionOf(at) }) as const;
  const ids = (window: Window, limit = 100) => {
    const all: number[] = [];
    for (let due = window.write(limit, 1); due; due = window.write(limit, 1))
      all.push(due.message.position === null ? -1 : numberOf(due.message.position));
    return all;
  };

  it('writes again in order what was not acknowledged when the connection was lost', () => {
    const window = new Window(4, 1000);
    for (const position of [10, 20, 30, 40]) window.add(message(position));
    expect(ids(window)).toEqual([10, 20, 30, 40]);
    expect(window.hasRoom(100)).toBe(false);
    window.acknowledge(1);
    window.acknowledge(3);
    window.rewind();
    expect(ids(window)).toEqual([20, 40]);
    expect(window.position).toBe(20);
    window.acknowledge(2);
    window.acknowledge(4);
    expect([window.size, window.position]).toEqual([0, null]);
  });

  it('keeps to what the peer can take at once', () => {
    const window = new Window(4, 1000);
    for (const position of [10, 20, 30]) window.add(message(position));
    expect(ids(window, 2)).toEqual([10, 20]);
    window.acknowledge(1);
    expect(ids(window, 2)).toEqual([30]);
  });

  it('does not believe acknowledgements of what it did not send', () => {
    const window = new Window(4, 1000);
    window.add(message(10));
    expect([0, 1, 2, 5, 65_535].map((id) => window.acknowledge(id))).toEqual([null, null, null, null, null]);
    expect(window.size).toBe(1);
  });

  it('takes a message that is larger than its bytes, alone', () => {
    const window = new Window(4, 10);
    expect(window.hasRoom(4)).toBe(true);
    window.add({ ...message(1), payload: 'x'.repeat(100) });
    expect(window.hasRoom(4)).toBe(false);
  });
});
