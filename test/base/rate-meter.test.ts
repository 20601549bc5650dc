import { describe, expect, it } from 'vitest';
import { RateMeter } from '../../broker/base/rate-meter.ts';
import { FakeClock } from '../helpers/clock.ts';

function meter() {
  const clock = new FakeClock();
  const counts = { frames: 0, bytes: 0 };
  const rates = new RateMeter(clock, () => ({ ...counts }));
  return { clock, counts, rates };
}

describe('a rate meter', () => {
  it('tells each counter a second over the last five, to a tenth', () => {
    const { clock, counts, rates } = meter();
    counts.frames = 1000;
    rates.start();
    for (let second = 1; second <= 3; second += 1) {
      counts.frames += 10;
      counts.bytes += 1;
      clock.advance(1000);
    }
    expect(rates.rates).toEqual({ frames: 10, bytes: 1 });
    clock.advance(3000);
    expect(rates.rates).toEqual({ frames: 4, bytes: 0.4 });
    clock.advance(60_000);
    expect(rates.rates).toEqual({ frames: 0, bytes: 0 });
  });

  it('tells 0 before its first second, and stops with its timer', () => {
    const { clock, rates } = meter();
    expect(rates.rates).toEqual({ frames: 0, bytes: 0 });
    rates.start();
    rates.start();
    expect(rates.rates).toEqual({ frames: 0, bytes: 0 });
    rates.stop();
    rates.stop();
    expect(clock.pending).toBe(0);
  });
});
