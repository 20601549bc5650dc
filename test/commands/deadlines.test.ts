/** Many deadlines behind one timer. */

import { expect, it } from 'vitest';
import { Deadlines } from '../../broker/hub/commands/deadlines.ts';
import { FakeClock } from '../helpers/clock.ts';
import { fc } from '../helpers/fast-check.ts';

it('runs each once, in order of time, none early and none that was cancelled', () => {
  const requests = fc.array(fc.record({ after: fc.integer({ min: 0, max: 500 }), cancel: fc.boolean() }));
  fc.assert(
    fc.property(requests, (all) => {
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

/** Runs what is due at a wall time in 60 s and after a wait of 60 s; tells when each ran, in ms from the start. */
function bothKinds(clock: FakeClock) {
  const deadlines = new Deadlines(clock);
  const start = clock.monotonic();
  const ran: Record<string, number> = {};
  deadlines.set(clock.now() + 60_000, () => {
    ran.wall = clock.monotonic() - start;
  });
  deadlines.after(60_000, () => {
    ran.wait = clock.monotonic() - start;
  });
  return ran;
}

it('"The clock was set back by an hour, and commands with a ttl of a minute waited for an hour"', () => {
  const clock = new FakeClock();
  const ran = bothKinds(clock);
  clock.advance(10_000);
  clock.setWall(clock.now() - 3_600_000);
  clock.advance(50_000);
  expect(ran).toEqual({ wall: 60_000, wait: 60_000 });
});

it('notices within a minute that the clock was set ahead, and brings no wait forward by it', () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const ran: string[] = [];
  deadlines.set(clock.now() + 7_200_000, () => ran.push('wall'));
  deadlines.set(clock.now() + 10_800_000, () => ran.push('later'));
  deadlines.after(7_200_000, () => ran.push('wait'));
  clock.advance(1000);
  clock.setWall(clock.now() + 7_200_000);
  // What is added right after the step is due by the new time.
  deadlines.set(clock.now() + 90_000, () => ran.push('new'));
  clock.advance(60_000);
  expect(ran).toEqual(['wall']);
  clock.advance(30_000);
  expect(ran).toEqual(['wall', 'new']);
  clock.advance(3_600_000);
  expect(ran).toEqual(['wall', 'new', 'later']);
  clock.advance(7_200_000);
  expect(ran).toEqual(['wall', 'new', 'later', 'wait']);
});

it('follows a clock that is set ahead and back again, and again', () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const ran: number[] = [];
  const start = clock.monotonic();
  const dueAt = clock.now() + 600_000;
  deadlines.set(dueAt, () => ran.push(clock.monotonic() - start));
  for (let round = 0; round < 4; round += 1) {
    clock.setWall(clock.now() + (round % 2 === 0 ? 60_000 : -60_000));
    clock.advance(60_000);
  }
  clock.advance(600_000);
  // It was a minute ahead, twice the same one: brought forward by no more than that; never later than the wait that was asked for.
  expect(ran).toEqual([540_000]);
});

it('"The clock was an hour wrong and was put right, and commands with a ttl of two hours ended after one"', () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const ran: number[] = [];
  const start = clock.monotonic();
  deadlines.set(clock.now() + 7_200_000, () => ran.push(clock.monotonic() - start));
  clock.setWall(clock.now() - 3_600_000);
  clock.advance(60_000);
  clock.setWall(clock.now() + 3_600_000);
  clock.advance(7_200_000);
  expect(ran).toEqual([7_200_000]);
});

it('gives what lay in the sockets a second to be read when the process was stopped', () => {
  const clock = new FakeClock();
  const ran = bothKinds(clock);
  clock.freeze(3_600_000);
  clock.advance(0);
  expect(ran).toEqual({});
  clock.advance(1000);
  expect(ran).toEqual({ wall: 3_601_000, wait: 3_601_000 });
});

it('is not put off for ever by a process that is always late', () => {
  const clock = new FakeClock();
  const ran = bothKinds(clock);
  for (let times = 0; times < 2; times += 1) {
    clock.freeze(100_000);
    clock.advance(0);
  }
  expect(ran).toEqual({ wall: 200_000, wait: 200_000 });
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
