/** How times and values read. */
import { describe, expect, it } from 'vitest';
import {
  ago,
  bridgeText,
  clockText,
  clockTime,
  localTimes,
  presenceDetail,
  presenceState,
  presenceText,
  valuesText,
} from '../../dashboard/format.ts';
import type { FleetRow } from '../../dashboard/model.ts';

const NOW = 1_780_000_000_000;
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

describe('presence', () => {
  const row = (part: object) => ({ online: false, since: NOW - 4000, reason: null, ...part }) as FleetRow;

  it.each([
    [{ online: true }, 'Online for 4 s'],
    [{ reason: 'no-heartbeat' }, 'Offline for 4 s: no-heartbeat'],
    [{}, 'Offline for 4 s: reason unknown'],
    [{ since: null }, 'Never seen'],
    [{ reason: 'asleep', asleep: { until: null, overdueAt: null } }, 'Asleep; it did not say until when'],
  ])('%j reads "%s"', (part, text) => {
    expect(presenceText(row(part), NOW)).toBe(text);
  });

  it('of a device that sleeps names the time at which it wants to be back, and when it is missed (P-7.5)', () => {
    const asleep = { until: NOW + 60_000, overdueAt: NOW + 66_000 };
    const sleeper = row({ reason: 'asleep', asleep });
    expect(presenceText(sleeper, NOW)).toMatch(/^Asleep until \d\d:27:40$/);
    expect(presenceDetail(sleeper, NOW)).toMatch(/^Asleep until \d\d:27:40\.$/);
    expect(presenceText(sleeper, null)).toMatch(/^Asleep until /);
    expect([0, 65_999, 66_000].map((later) => presenceState(sleeper, NOW + later))).toEqual([
      'asleep',
      'asleep',
      'overdue',
    ]);
    expect(presenceText(sleeper, NOW + 66_000)).toMatch(/^Overdue: it wanted to be back at \d\d:27:40$/);
  });

  it('has no duration while the broker’s time is not known', () => {
    expect(presenceText(row({ online: true }), null)).toBe('Online');
  });
});

describe('an instant', () => {
  it('has its day if that is not plain', () => {
    expect(clockTime(NOW, NOW + 60_000)).toMatch(/^\d\d:26:40$/);
    expect(clockTime(NOW, NOW + 86_400_000)).toMatch(/^\d+ \w+ 2026, \d\d:26:40$/);
  });

  it('in a sentence of the broker is read in the zone of the person', () => {
    const sentence = 'device offline since 2026-05-28T20:26:40.000Z';
    expect(localTimes(sentence)).toMatch(/^device offline since \d+ \w+ 2026, \d\d:26:40$/);
    expect(localTimes('no time here')).toBe('no time here');
  });
});

describe('the MQTT bridge', () => {
  it.each([
    ['connected', 0.4, 'connected'],
    ['connected', 90, 'connected, 1 min behind'],
    ['waiting', 5, 'away, 5 s behind'],
    ['failed', 0, 'failed'],
  ] as const)('%s with %d s of backlog reads %j', (state, seconds, text) => {
    expect(bridgeText({ state, backlog: { bytes: 0, messages: 0, seconds } })).toBe(text);
  });
});
