import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../broker/base/token-bucket.ts';
import { fc } from '../helpers/fast-check.ts';

describe('a token bucket', () => {
  it('lets through, over any stretch, at most its rate and one burst', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 200 }), (gaps) => {
        const bucket = new TokenBucket(50, 0);
        let now = 0;
        let taken = 0;
        for (const gap of gaps) {
          now += gap;
          const wait = bucket.take(1, now);
          taken += 1;
          now += wait;
        }
        expect(taken).toBeLessThanOrEqual(50 + (now * 50) / 1000 + 1);
      }),
    );
  });

  it('takes nothing away when the clock is set back', () => {
    const bucket = new TokenBucket(10, 1000);
    expect(bucket.take(5, 1000)).toBe(0);
    expect(bucket.take(5, 0)).toBe(0);
  });

  it('gives all or nothing to whoever may be refused, and says when there will be enough', () => {
    const bucket = new TokenBucket(2, 0, 3);
    expect([1, 1, 1].map((amount) => bucket.tryTake(amount, 0))).toEqual([0, 0, 0]);
    expect(bucket.tryTake(1, 0)).toBe(500);
    expect(bucket.tryTake(1, 400)).toBe(100);
    expect(bucket.tryTake(1, 500)).toBe(0);
  });

  it('holds no more than its burst, however long nothing is taken', () => {
    const bucket = new TokenBucket(2, 0, 3);
    expect(bucket.tryTake(3, 1e6)).toBe(0);
    expect(bucket.tryTake(1, 1e6)).toBe(500);
  });

  it('of rate 0 is no limit', () => {
    expect(new TokenBucket(0, 0).take(1e9, 0)).toBe(0);
    expect(new TokenBucket(0, 0).tryTake(1e9, 0)).toBe(0);
  });
});
