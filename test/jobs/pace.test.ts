/** The rate of a job: not more than was asked for, also after a pause. */

import { describe, expect, it } from 'vitest';
import { Pace } from '../../broker/hub/jobs/runner.ts';
import { FakeClock } from '../helpers/clock.ts';
import { fc } from '../helpers/fast-check.ts';

/** Takes everything that may go after each of these pauses (ms); returns the times. */
function timesOf(rate: number, pauses: readonly number[]): number[] {
  const clock = new FakeClock(1_000_000);
  const pace = new Pace(rate, clock);
  const times: number[] = [];
  for (const pause of pauses) {
    clock.advance(pause);
    while (pace.tryNext()) times.push(clock.now());
  }
  return times;
}

describe('a rate', () => {
  it('is kept in every second, however long a job had to wait before (a tenth of a second is made up for)', () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 500, noNaN: true }), pauses, (rate, waits) => {
        const times = timesOf(rate, waits);
        for (const start of times) {
          const inSecond = times.filter((time) => time >= start && time < start + 1000).length;
          expect(inSecond).toBeLessThanOrEqual(Math.ceil(rate * 1.1) + 1);
        }
      }),
    );
  });

  it('is reached by whoever asks in time', () => {
    const everyMillisecond = Array.from({ length: 10_000 }, () => 1);
    expect(timesOf(50, everyMillisecond).length).toBeGreaterThanOrEqual(500);
    expect(timesOf(2000, everyMillisecond).length).toBeGreaterThanOrEqual(19_900);
  });

  it('goes on at the same pace when the wall clock is set back or ahead', () => {
    const clock = new FakeClock();
    const pace = new Pace(1, clock);
    let taken = 0;
    const take = () => {
      while (pace.tryNext()) taken += 1;
      pace.wait(take);
    };
    take();
    for (const step of [-3_600_000, 7_200_000]) {
      clock.setWall(clock.now() + step);
      clock.advance(10_000);
    }
    expect(taken).toBe(21);
    pace.stop();
  });

  it('of one a year waits without spinning', () => {
    const clock = new FakeClock();
    const pace = new Pace(1 / (365 * 86_400), clock);
    expect(pace.tryNext()).toBe(true);
    let tries = 0;
    const again = () => {
      tries += 1;
      if (!pace.tryNext()) pace.wait(again);
    };
    again();
    clock.advance(86_400_000);
    expect(tries).toBeLessThan(30);
    pace.stop();
    pace.stop();
    expect(clock.pending).toBe(0);
  });
});
