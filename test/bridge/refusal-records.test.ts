/** "Somebody publishes nonsense a thousand times a second, and the audit fills the disk." */
import { expect, it } from 'vitest';
import { RefusalRecords } from '../../broker/bridge/command-intake.ts';
import { FakeClock } from '../helpers/clock.ts';

function world() {
  const clock = new FakeClock();
  const written: (string | number)[] = [];
  const records = new RefusalRecords<string>({
    clock,
    record: (refusal) => written.push(refusal),
    leftOut: (count) => written.push(count),
  });
  const refuse = (count: number, customer = 'acme') => {
    for (let number = 0; number < count; number += 1) records.add('refused', customer);
  };
  return { clock, records, written, refuse };
}

it('a few refusals are on record one by one', () => {
  const { clock, written, refuse } = world();
  refuse(5);
  clock.advance(60_000);
  expect(written).toEqual(Array.from({ length: 5 }, () => 'refused'));
});

it('of a flood the first ones are, and then how many there were besides', () => {
  const { clock, written, refuse } = world();
  refuse(60_000);
  expect(written).toHaveLength(30);
  clock.advance(60_000);
  expect(written.slice(30)).toEqual([59_970]);
});

it("acme's flood does not hide what is refused to globex", () => {
  const { clock, written, refuse } = world();
  refuse(60_000);
  refuse(1, 'globex');
  expect(written).toHaveLength(31);
  clock.advance(60_000);
  expect(written.slice(31)).toEqual([59_970]);
});

it('the next minute is looked at afresh, and nothing is left behind', () => {
  const { clock, records, written, refuse } = world();
  refuse(31);
  clock.advance(60_000);
  refuse(1);
  expect(written.slice(30)).toEqual([1, 'refused']);
  records.stop();
  records.stop();
  expect(written).toHaveLength(32);
  expect(clock.pending).toBe(0);
});
