/** Many deadlines behind one timer. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Deadlines } from '../../broker/hub/commands/deadlines.ts';
import { FakeClock } from '../helpers/clock.ts';

it('runs each once, in order of time, none early and none that was cancelled', () => {
  const wishes = fc.array(fc.record({ after: fc.integer({ min: 0, max: 500 }), cancel: fc.boolean() }));
  fc.assert(
    fc.property(wishes, (all) => {
      const clock = new FakeClock();
      const deadlines = new Deadlines(clock);
      const start = clock.now();
      const ran: number[] = [];
      const set = all.map(({ after }) => deadlines.set(start + after, () => ran.push(clock.now() - start)));
      all.forEach(({ cancel }, index) => {
        if (cancel) set[index]?.cancel();
      });
      clock.advance(500);
      const due = all.filter(({ cancel }) => !cancel).map(({ after }) => after);
      expect(ran).toEqual(due.sort((a, b) => a - b));
      expect(clock.pending).toBe(0);
    }),
  );
});

it('waits longer than a timer of Node can', () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  let ran = 0;
  deadlines.set(clock.now() + 2 ** 31 + 5000, () => {
    ran += 1;
  });
  clock.advance(2 ** 31);
  expect(ran).toBe(0);
  clock.advance(5000);
  expect(ran).toBe(1);
});

it('runs nothing once it is stopped', () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  deadlines.set(clock.now() + 1, () => expect.unreachable());
  deadlines.stop();
  deadlines.stop();
  clock.advance(10);
  expect(clock.pending).toBe(0);
});

it('"A million commands with a ttl of a month are done, and the memory is gone for a month"', () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const ran: number[] = [];
  for (let number = 0; number < 10_000; number += 1) {
    const month = deadlines.set(clock.now() + 2_592_000_000 - number, () => expect.unreachable());
    if (number % 100 === 0) deadlines.set(clock.now() + 1000 + number, () => ran.push(number));
    month.cancel();
    month.cancel();
  }
  expect(deadlines.size).toBeLessThan(2500);
  clock.advance(20_000);
  expect(ran).toEqual(Array.from({ length: 100 }, (_, index) => index * 100));
  deadlines.stop();
});

it('lets others have a turn when very many are due together', () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  let ran = 0;
  let seen = -1;
  for (let number = 0; number < 2000; number += 1) {
    deadlines.set(clock.now() + 10, () => {
      ran += 1;
    });
  }
  clock.after(10, () => {
    seen = ran;
  });
  clock.advance(10);
  expect(ran).toBe(2000);
  expect(seen).toBeLessThan(2000);
});
