/** The outbox: bounded in bytes, in order, and with a named outcome when it is full. */

import { describe, expect, it } from 'vitest';
import { FrameError, OutboxFull } from '../../client/index.ts';
import { KEEPING, Outbox } from '../../client/outbox.ts';
import { fakeBroker } from '../helpers/fake-broker.ts';
import { fc } from '../helpers/fast-check.ts';
import { client, startedClient } from './harness.ts';

const NOWHERE = 'ws://127.0.0.1:1';
const draft = (seq: number, length = 10) => ({
  seq,
  bytes: new Uint8Array(length),
  queuedAt: 0,
  measuredAt: null,
});

function sent(outbox: Outbox): number[] {
  const seqs: number[] = [];
  for (let next = outbox.next(); next; next = outbox.next()) seqs.push(next.seq);
  return seqs;
}

describe('a full outbox', () => {
  const bytes = 5 * (KEEPING + 20);

  it('refuses by default, and takes frames again after an acknowledgement', async () => {
    const broker = await fakeBroker();
    const pump = startedClient({ url: broker.url, outbox: { bytes } });
    const fill = () => {
      for (;;) pump.client.send({ temp: 1 });
    };
    expect(fill).toThrow(OutboxFull);
    const { frames } = pump.client.held;
    expect(pump.client.held.bytes).toBeLessThanOrEqual(bytes);
    const session = await broker.next();
    await session.greet();
    // What was refused took no number.
    expect((await session.seqs(frames)).at(-1)).toBe(frames);
    session.ack(frames);
    await pump.client.durable();
    expect(pump.client.send({ temp: 1 })).toBe(frames + 1);
  });

  it('drops the oldest, if that is its policy, and says which', () => {
    const pump = startedClient({ url: NOWHERE, outbox: { bytes, whenFull: 'drop-oldest' } });
    for (let count = 0; count < 7; count += 1) pump.client.send({ temp: count });
    const { frames } = pump.client.held;
    expect(pump.client.held.bytes).toBeLessThanOrEqual(bytes);
    const dropped = pump.left('dropped').flatMap(({ seqs }) => seqs);
    expect(dropped).toEqual(Array.from({ length: 7 - frames }, (_, index) => index + 1));
    expect(pump.left('dropped')[0]?.reason).toBe('outbox-full');
  });

  it('never takes a frame that alone is larger', () => {
    const pump = startedClient({ url: NOWHERE, outbox: { bytes: 300, whenFull: 'drop-oldest' } });
    pump.client.send({ temp: 1 });
    expect(() => pump.client.send({ note: 'x'.repeat(300) })).toThrow(OutboxFull);
    expect(pump.client.held.frames).toBe(1);
  });
});

describe('what comes in', () => {
  it.each([
    ['a number that is none', { temp: Number.NaN }, 'float-not-finite'],
    ['a metric without a proper name', { 'bad name': 1 }, 'bad-metric'],
    ['positions without fields', [1], 'no-fields'],
    ['a text that is too long', { note: 'x'.repeat(5000) }, 'text-too-long'],
  ])('is refused at once if the broker would: %s', (_what, values, code) => {
    const pump = startedClient({ url: NOWHERE });
    expect(() => pump.client.send(values)).toThrow(expect.objectContaining({ name: 'FrameError', code }));
    expect(pump.client.send({ temp: 1 })).toBe(1);
  });

  it('is checked for events, too', () => {
    const pump = startedClient({ url: NOWHERE });
    expect(() => pump.client.sendEvent(8, 'door')).toThrow(FrameError);
    expect(() => pump.client.sendEvent(4, 'a door')).toThrow(FrameError);
  });

  it('needs a client that was started', () => {
    expect(() => client({ url: NOWHERE }).client.send({ temp: 1 })).toThrow('not started');
  });

  it.each([
    ['nowhere', 'not a URL'],
    ['ftp://host', 'must begin with'],
    ['ws://host/?key=abc', 'reaches logs'],
  ])('the address %s is refused when the client is made', (url, reason) => {
    expect(() => client({ url })).toThrow(reason);
  });

  it('names and keys that no header or URL can carry are refused, and the key is not repeated', () => {
    expect(() => client({ url: NOWHERE, device: 'New York' })).toThrow('P-1.4');
    expect(() => client({ url: NOWHERE, key: 'se\ncret' })).toThrow(/^The key is empty or holds characters/);
  });

  it.each([
    ['fields that are named twice', { fields: ['temp', 'temp'] }],
    ['a boot that is too short', { boot: Uint8Array.of(1, 2) }],
    ['acknowledgements that may wait for ever', { ackWithin: 60_000 }],
  ])('%s are refused when the client is made, not by each broker again', (_what, options) => {
    expect(() => client({ url: NOWHERE, ...options })).toThrow(
      expect.objectContaining({ code: 'bad-hello' }),
    );
  });
});

it('keeps order, bytes and what is in flight right through whatever happens', () => {
  type Step = ['add', number] | ['send'] | ['ack', number] | ['remove', number] | ['cut'];
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.tuple(fc.constant('add' as const), fc.integer({ min: 0, max: 300 })),
    fc.tuple(fc.constant('send' as const)),
    fc.tuple(fc.constant('ack' as const), fc.integer({ min: 0, max: 300 })),
    fc.tuple(fc.constant('remove' as const), fc.integer({ min: 1, max: 300 })),
    fc.tuple(fc.constant('cut' as const)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const outbox = new Outbox({ bytes: 4000, whenFull: 'drop-oldest' }, null);
      let model: { seq: number; length: number }[] = [];
      let [seq, everSent, nextToSend] = [0, 0, 1];
      for (const [what, value = 0] of steps) {
        if (what === 'add') {
          seq += 1;
          const gone = outbox.add(draft(seq, value)).map((each) => each.seq);
          expect(gone).toEqual(model.slice(0, gone.length).map((each) => each.seq));
          model = [...model.slice(gone.length), { seq, length: value }];
        } else if (what === 'send') {
          const expected = model.find((each) => each.seq >= nextToSend);
          expect(outbox.next()?.seq).toBe(expected?.seq);
          if (expected) [everSent, nextToSend] = [Math.max(everSent, expected.seq), expected.seq + 1];
        } else if (what === 'ack') {
          const last = Math.min(value, everSent);
          const released = outbox.acknowledge(value).map((each) => each.seq);
          expect(released).toEqual(model.filter((each) => each.seq <= last).map((each) => each.seq));
          model = model.filter((each) => each.seq > last);
        } else if (what === 'remove') {
          expect(outbox.remove(value)?.seq).toBe(model.find((each) => each.seq === value)?.seq);
          model = model.filter((each) => each.seq !== value);
        } else {
          expect(outbox.rewind()).toBe(model.filter((each) => each.seq <= everSent).length);
          nextToSend = 1;
        }
        expect(outbox.count).toBe(model.length);
        expect(outbox.bytes).toBe(model.reduce((sum, { length }) => sum + length + KEEPING, 0));
        expect(outbox.inFlight).toBe(model.filter((each) => each.seq < nextToSend).length);
        expect(outbox.bytes).toBeLessThanOrEqual(4000);
      }
      outbox.rewind();
      expect(sent(outbox)).toEqual(model.map((each) => each.seq));
    }),
    { numRuns: 200 },
  );
});
