import { describe, expect, it } from 'vitest';
import { Admission } from '../../broker/edge/admission.ts';
import { type Holder, Shares } from '../../broker/edge/shares.ts';
import { FakeClock } from '../helpers/clock.ts';
import { fc } from '../helpers/fast-check.ts';

/** Takes until it is refused; how many it got. */
function fill(shares: Shares, holder: Holder, reserved = 0): number {
  let count = 0;
  while (shares.full(holder, reserved) === null) {
    shares.add(holder);
    count += 1;
  }
  return count;
}

describe('places that customers share', () => {
  it('go for the most part to the one that is alone, and to its one key', () => {
    expect(fill(new Shares(25_000, 90), { customer: 'acme', key: 'a' })).toBeGreaterThanOrEqual(20_000);
    const shares = new Shares(1000, 90);
    const all = ['a', 'b', 'c', 'd'].map((key) => fill(shares, { customer: 'acme', key }));
    expect(all[0]).toBe(810);
    expect(shares.held('acme')).toBe(900);
  });

  it('always have something for who comes later, and the first gives way', () => {
    const shares = new Shares(1000, 90);
    for (const key of ['a', 'b', 'c', 'd']) fill(shares, { customer: 'acme', key });
    expect(fill(shares, { customer: 'beta', key: 'b' })).toBeGreaterThan(70);
    expect(fill(shares, { customer: 'gamma', key: 'g' })).toBeGreaterThan(7);
    for (let left = 0; left < 50; left += 1) shares.remove({ customer: 'acme', key: 'a' });
    expect(shares.full({ customer: 'acme', key: 'a' })).toBe('customer');
    expect(shares.full({ customer: 'beta', key: 'b2' })).toBeNull();
  });

  it('are all used where many customers want them', () => {
    const shares = new Shares(1000, 90);
    for (let index = 0; index < 1000; index += 1)
      fill(shares, { customer: `c${index % 100}`, key: `${index}` });
    expect(shares.taken).toBeGreaterThan(990);
  });

  it('are not shared at 100 %', () => {
    expect(fill(new Shares(100, 100), { customer: 'acme', key: 'a' })).toBe(100);
  });

  it('are never given out twice, and whoever holds nothing is refused only where nothing is left', () => {
    const who = fc.record({ customer: fc.constantFrom('a', 'b', 'c', 'd'), key: fc.constantFrom('1', '2') });
    const acts = fc.array(fc.tuple(fc.boolean(), who), { maxLength: 200 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 100 }),
        acts,
        (places, percent, all) => {
          const shares = new Shares(places, percent);
          const held: Holder[] = [];
          for (const [add, { customer, key }] of all) {
            const holder = { customer, key: `${customer}${key}` };
            const at = held.findIndex((one) => one.key === holder.key);
            if (!add && at >= 0) shares.remove(held.splice(at, 1)[0] as Holder);
            if (!add) continue;
            const full = shares.full(holder);
            expect(full === 'all').toBe(held.length >= places);
            if (!held.some((one) => one.customer === customer)) expect([null, 'all']).toContain(full);
            if (full === null) held.push(holder);
            if (full === null) shares.add(holder);
            expect(shares.taken).toBe(held.length);
          }
        },
      ),
    );
  });
});

describe('admission of devices', () => {
  const limits = {
    connections: 100,
    connectionsPerCustomer: 100,
    connectionsPerAddress: 100,
    handshakesPerSecond: 1000,
    sharePercent: 90,
  };

  it('"One customer took all connections": another one gets in, and the refusal names the share', () => {
    const admission = new Admission(limits, { cut: [] }, new FakeClock());
    const admit = (customer: string, key: string) => admission.admit({ customer, key, address: '::1' }, 0);
    let refused = admit('acme', 'one');
    while (refused === null) refused = admit('acme', 'one');
    expect(refused).toMatchObject({ code: 'too-many-of-key', limit: 'limits.connections', retryAfter: 30 });
    while (admit('acme', 'two') === null);
    for (let key = 0; key < 20; key += 1) admit('acme', `own${key}`);
    expect(admit('acme', 'three')).toMatchObject({ code: 'too-many-of-customer', status: 429 });
    expect(admission.connections).toBe(90);
    for (let count = 0; count < 5; count += 1) expect(admit('beta', 'b')).toBeNull();
    // A device that connects anew has its place already.
    expect(admission.admit({ customer: 'acme', key: 'one', address: '::1' }, 1)).toBeNull();
  });

  it('"One customer connects without end": another one gets in, and two that do get the same', () => {
    const clock = new FakeClock();
    const rate = 100;
    const many = {
      ...limits,
      connections: 100_000,
      connectionsPerCustomer: 100_000,
      connectionsPerAddress: 100_000,
    };
    const admission = new Admission({ ...many, handshakesPerSecond: rate }, { cut: [] }, clock);
    const admit = (customer: string) =>
      admission.admit({ customer, key: customer, address: '::1' }, 0) === null;
    const count = (customer: string, tries: number) =>
      Array.from({ length: tries }, () => admit(customer)).filter(Boolean).length;
    let alone = count('acme', 1000);
    expect(alone).toBeGreaterThan(1.7 * rate);
    expect(count('beta', 5)).toBe(5);
    for (let tick = 0; tick < 100; tick += 1) {
      clock.advance(100);
      alone += count('acme', 100);
    }
    expect(alone).toBeGreaterThan(11 * rate);
    let [acme, beta] = [0, 0];
    for (let tick = 0; tick < 200; tick += 1) {
      clock.advance(100);
      acme += count('acme', 100);
      beta += count('beta', 12);
      if (tick % 20 === 0) expect(admit('gamma')).toBe(true);
    }
    expect(acme + beta).toBeGreaterThan(19 * rate);
    expect(beta).toBeGreaterThan(8 * rate);
  });

  it('counts handshakes by a clock that nobody sets', () => {
    const clock = new FakeClock();
    const admission = new Admission({ ...limits, handshakesPerSecond: 1 }, { cut: [] }, clock);
    const admit = () => admission.admit({ customer: 'acme', key: 'k', address: '::1' }, 0)?.code ?? null;
    expect([admit(), admit(), admit()]).toEqual([null, null, 'too-many-handshakes']);
    clock.setWall(clock.now() - 86_400_000);
    clock.advance(1000);
    expect(admit()).toBeNull();
  });
});
