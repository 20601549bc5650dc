/** Writes times, numbers and values as people read them. Pure. */
import type { BridgeStats } from '../schemas/api.ts';
import type { LiveValue } from '../schemas/live.ts';
import type { FleetRow } from './model.ts';

const NUMBER = new Intl.NumberFormat('en', { maximumSignificantDigits: 5 });
const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const STEPS: readonly (readonly [unit: string, milliseconds: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** `never`, `now`, `12 s ago`, `3 h ago`. Times are Unix ms of the broker. */
export function ago(at: number | null, now: number): string {
  if (at === null) return 'never';
  const text = duration(now - at);
  return text === '0 s' ? 'now' : `${text} ago`;
}

/** In the largest unit that it fills, rounded down; never below zero. */
export function duration(milliseconds: number): string {
  for (const [unit, size] of STEPS) {
    if (milliseconds >= size) return `${Math.floor(milliseconds / size)} ${unit}`;
  }
  return '0 s';
}

export function count(value: number): string {
  return COUNT.format(value);
}

/** `temp 21.5 · level 80`; values of maps and lists as JSON. */
export function valuesText(values: ReadonlyMap<string, LiveValue>): string {
  return [...values].map(([metric, { value }]) => `${metric} ${valueText(value)}`).join(' · ');
}

export function valueText(value: unknown): string {
  if (typeof value === 'number') return NUMBER.format(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What is wrong with the device's own times (P-4.5); empty if nothing is. */
export function clockText(clock: FleetRow['clock']): string {
  return { ok: '', unset: 'not set', ahead: 'ahead' }[clock];
}

/**
 * `asleep`: as it said; `overdue`: and it should have been back, with its grace (P-7.5). `never`: somebody has registered it,
 * and it has not connected yet. `now` null: not known yet.
 */
export type PresenceState = 'online' | 'offline' | 'never' | 'asleep' | 'overdue';

export function presenceState(
  { online, asleep, since, lastSeenAt }: FleetRow,
  now: number | null,
): PresenceState {
  if (online) return 'online';
  if (!asleep) return since === null && lastSeenAt === null ? 'never' : 'offline';
  return now !== null && asleep.overdueAt !== null && now >= asleep.overdueAt ? 'overdue' : 'asleep';
}

/** `Asleep until 14:03:07`, `Overdue: it wanted to be back at 14:03:07`; empty for one that does not sleep. */
function sleepText(row: FleetRow, now: number | null): string {
  const state = presenceState(row, now);
  if (state !== 'asleep' && state !== 'overdue') return '';
  const until = row.asleep?.until ?? null;
  if (until === null) return 'Asleep; it did not say until when';
  const time = clockTime(until, now ?? until);
  return state === 'asleep' ? `Asleep until ${time}` : `Overdue: it wanted to be back at ${time}`;
}

/** Why and when, for the status cell's title. */
export function presenceDetail(row: FleetRow, now: number): string {
  const { online, since, reason } = row;
  if (since === null) return 'It has never connected.';
  const sleep = sleepText(row, now);
  if (sleep !== '') return `${sleep}.`;
  const when = duration(now - since);
  return online ? `Connected for ${when}.` : `Gone for ${when}: ${reason ?? 'reason unknown'}.`;
}

/** `Online for 4 min`, `Offline for 3 s: no-heartbeat`, `Asleep until 14:03:07`; without a duration while the time is not known. */
export function presenceText(row: FleetRow, now: number | null): string {
  const { online, since, reason } = row;
  if (since === null) return 'Never seen';
  const sleep = sleepText(row, now);
  if (sleep !== '') return sleep;
  const age = now === null ? '' : ` for ${duration(now - since)}`;
  return online ? `Online${age}` : `Offline${age}: ${reason ?? 'reason unknown'}`;
}

const TIME = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const DAY_AND_TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** `14:03:07`, in the zone of the person; with the day if it is more than half a day away from `now`. */
export function clockTime(at: number, now: number): string {
  return (Math.abs(now - at) < 43_200_000 ? TIME : DAY_AND_TIME).format(at);
}

/** Sentences of the broker name instants in UTC; people read them in their own zone. */
export function localTimes(sentence: string): string {
  return sentence.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (instant) => DAY_AND_TIME.format(new Date(instant)));
}

/** How the MQTT bridge stands; `connected` alone means that nothing waits. */
export function bridgeText({ state, backlog }: Pick<BridgeStats, 'state' | 'backlog'>): string {
  const behind = backlog.seconds >= 2 ? `, ${duration(backlog.seconds * 1000)} behind` : '';
  return `${state === 'waiting' ? 'away' : state}${behind}`;
}
