/** How times and values read. */
import { describe, expect, it } from 'vitest';
import { ago, clockText, valuesText } from '../../dashboard/format.ts';

const value = (of: unknown) => ({ value: of, at: 0, receivedAt: 0 });

describe('an age', () => {
  it.each([
    [0, 'now'],
    [-5000, 'now'],
    [12_900, '12 s ago'],
    [61_000, '1 min ago'],
    [7_200_000, '2 h ago'],
    [31 * 86_400_000, '31 d ago'],
  ])('of %i ms is "%s"', (age, text) => {
    expect(ago(1_780_000_000_000 - age, 1_780_000_000_000)).toBe(text);
  });

  it('of nothing is "never"', () => {
    expect(ago(null, 5)).toBe('never');
  });
});

describe('values', () => {
  it('stand side by side, numbers short, maps as JSON', () => {
    const values = new Map([
      ['temp', value(21.123456)],
      ['on', value(true)],
      ['mode', value('auto')],
      ['position', value({ lat: 1 })],
    ]);
    expect(valuesText(values)).toBe('temp 21.123 · on true · mode auto · position {"lat":1}');
  });

  it('come with a word if the device’s clock is wrong', () => {
    expect([clockText('ok'), clockText('unset'), clockText('ahead')]).toEqual(['', 'not set', 'ahead']);
  });
});
