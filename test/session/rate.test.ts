import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rate } from '../../broker/session/rate.ts';

describe('a token bucket', () => {
  it('lets through, over any stretch, at most its rate and one burst', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 200 }), (gaps) => {
        const rate = new Rate(50, 0);
        let now = 0;
        let taken = 0;
        for (const gap of gaps) {
          now += gap;
          const wait = rate.take(1, now);
          taken += 1;
          now += wait;
        }
        expect(taken).toBeLessThanOrEqual(50 + (now * 50) / 1000 + 1);
      }),
    );
  });

  it('takes nothing away when the clock is set back', () => {
    const rate = new Rate(10, 1000);
    expect(rate.take(5, 1000)).toBe(0);
    expect(rate.take(5, 0)).toBe(0);
  });

  it('of rate 0 is no limit', () => {
    expect(new Rate(0, 0).take(1e9, 0)).toBe(0);
  });
});
