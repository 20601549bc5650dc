/** One customer asks for much over HTTP; devices and other customers get their time all the same. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RequestTurns } from '../../broker/edge/request-turns.ts';
import { FakeClock } from '../helpers/clock.ts';

function someTurns() {
  const clock = new FakeClock();
  const turns = new RequestTurns(clock);
  const done: string[] = [];
  const ask = (customer: string, count: number, took = 0) => {
    for (let index = 0; index < count; index += 1) {
      turns.add({ customer, key: customer }, (answered) => {
        done.push(customer);
        clock.advance(took);
        answered();
      });
    }
  };
  const loop = async (times: number) => {
    for (let index = 0; index < times; index += 1) await turn();
  };
  return { clock, turns, done, ask, loop };
}

describe('requests of one customer', () => {
  it('that come by the hundred are handled one in a turn of the loop', async () => {
    const { done, ask, loop } = someTurns();
    ask('acme', 100);
    await loop(10);
    expect(done.length).toBeGreaterThan(0);
    expect(done.length).toBeLessThanOrEqual(11);
    await loop(200);
    expect(done.length).toBe(100);
  });

  it('do not make those of another customer wait for all of them', async () => {
    const { done, ask, loop } = someTurns();
    ask('acme', 100);
    await loop(5);
    const before = done.length;
    ask('other', 2);
    await loop(200);
    expect(done.slice(before).indexOf('other')).toBeLessThanOrEqual(1);
    expect(done.slice(before).lastIndexOf('other')).toBeLessThanOrEqual(3);
  });

  it('that are dear are followed by a pause as long as they took', async () => {
    const { clock, done, ask, loop } = someTurns();
    ask('acme', 3, 40);
    await loop(10);
    expect(done.length).toBe(1);
    clock.advance(39);
    await loop(10);
    expect(done.length).toBe(1);
    clock.advance(1);
    await loop(10);
    expect(done.length).toBe(2);
    clock.advance(40);
    await loop(10);
    expect(done.length).toBe(3);
    ask('acme', 1);
    clock.advance(40);
    await loop(10);
    expect(done.length).toBe(4);
  });

  it('whose answers nobody reads are few at a time, and hold up no other key', async () => {
    const { turns, done, ask, loop } = someTurns();
    const unread: (() => void)[] = [];
    for (let index = 0; index < 100; index += 1) {
      turns.add({ customer: 'acme', key: 'slow' }, (answered) => unread.push(answered));
    }
    ask('acme', 1);
    ask('other', 1);
    await loop(200);
    expect([unread.length, done.toSorted()]).toEqual([32, ['acme', 'other']]);
    for (const answered of unread.splice(0)) answered();
    await loop(200);
    expect(unread.length).toBe(32);
    for (let round = 0; round < 3; round += 1) {
      for (const answered of unread.splice(0)) answered();
      await loop(200);
    }
    expect(unread.length).toBe(0);
  });
});
