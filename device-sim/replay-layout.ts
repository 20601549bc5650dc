/**
 * Finds out how recorded data is laid out: which column is the time and in which format, which is the device, and which
 * are metrics, under names that the protocol takes. A date or time without a zone is taken as UTC.
 */

export const TIME_FORMATS = ['iso', 'slashes', 'unix-s', 'unix-ms'] as const;

export type TimeFormat = (typeof TIME_FORMATS)[number];

/** Seconds of any time from 2001 to 2286 have ten digits; milliseconds since 2001 have thirteen. */
const UNIX_S = /^\d{9,10}(\.\d+)?$/;
const UNIX_MS = /^\d{12,14}(\.\d+)?$/;
const CALENDAR =
  /^(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?(Z|[+-]\d{2}:?\d{2})?$/;

/** null: it is none of them. */
export function detectTimeFormat(text: string): TimeFormat | null {
  return TIME_FORMATS.find((format) => parseTime(text, format) !== null) ?? null;
}

/** Unix ms; null: the text is not of this format, or no such day or time exists. */
export function parseTime(text: string, format: TimeFormat): number | null {
  if (format === 'unix-s') return UNIX_S.test(text) ? Number(text) * 1000 : null;
  if (format === 'unix-ms') return UNIX_MS.test(text) ? Number(text) : null;
  const match = CALENDAR.exec(text);
  if (!match || match[2] !== (format === 'iso' ? '-' : '/')) return null;
  return calendarTime(match);
}

function calendarTime(match: RegExpExecArray): number | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = [1, 3, 4, 5, 6, 7].map((group) =>
    Number(match[group] ?? 0),
  );
  const fraction = Number(`0.${match[8] ?? '0'}`);
  if (hour > 23 || minute > 59 || second > 59) return null;
  const time = Date.UTC(year, month - 1, day, hour, minute, second, Math.floor(fraction * 1000));
  const date = new Date(Date.UTC(year, month - 1, day));
  // Date.UTC makes 2 March of 30 February.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return time - zoneOffset(match[9]);
}

/** ms east of Greenwich. */
function zoneOffset(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0;
  const [hours, minutes] = [zone.slice(1, 3), zone.slice(-2)].map(Number);
  return (zone.startsWith('-') ? -60_000 : 60_000) * ((hours ?? 0) * 60 + (minutes ?? 0));
}

export interface LayoutOptions {
  readonly timeColumn?: string;
  readonly timeFormat?: TimeFormat;
  readonly deviceColumn?: string;
  /** All rows are of this one device. */
  readonly device?: string;
}

export interface Layout {
  readonly time: number;
  readonly timeFormat: TimeFormat;
  /** A column, or the one device. */
  readonly device: number | string;
  /** Columns of the metrics, and their names. */
  readonly metrics: readonly { readonly column: number; readonly name: string }[];
}

/** The file is not what was expected; the message says what to do. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
}

const TIME_NAMES = ['time', 'timestamp', 'datetime', 'date_time', 'date', 'ts', 'recorded_at', 'measured_at'];
const DEVICE_NAMES = [
  'device',
  'device_id',
  'deviceid',
  'station',
  'station_id',
  'sensor',
  'sensor_id',
  'location',
];
const MOST_METRICS = 256;

/** `begin`: the first rows, by which the time is recognised. `file`: its name without folder. Throws ReplayError. */
export function findLayout(
  head: readonly string[],
  begin: readonly (readonly string[])[],
  options: LayoutOptions,
  file: string,
): Layout {
  const time = timeColumn(head, begin, options);
  const device = options.device ?? deviceColumn(head, time, options) ?? file.replace(/\.[^.]*$/, '');
  const names = new Set<string>();
  const metrics = head.flatMap((title, column) =>
    column === time || column === device ? [] : [{ column, name: metricName(title, column, names) }],
  );
  if (metrics.length === 0) throw new ReplayError('There is no column left that could be a metric.');
  if (metrics.length > MOST_METRICS) throw new ReplayError(`There are more than ${MOST_METRICS} columns.`);
  return {
    time,
    timeFormat:
      options.timeFormat ??
      recognised(
        head[time] ?? '',
        begin.map((row) => row[time] ?? ''),
      ),
    device: typeof device === 'number' ? device : deviceId(device),
    metrics,
  };
}

function timeColumn(
  head: readonly string[],
  begin: readonly (readonly string[])[],
  options: LayoutOptions,
): number {
  if (options.timeColumn !== undefined) return named(head, options.timeColumn);
  const byName = firstOf(head, TIME_NAMES);
  if (byName !== null) return byName;
  const byValue = head.findIndex((_, column) => begin.some((row) => isDate(row[column] ?? '')));
  if (byValue !== -1) return byValue;
  throw new ReplayError(`No column looks like a time; name it with --time-column. ${listed(head)}`);
}

/** A number may be anything; only a calendar date is surely a time. */
function isDate(text: string): boolean {
  return ['iso', 'slashes'].includes(detectTimeFormat(text) ?? '');
}

function deviceColumn(head: readonly string[], time: number, options: LayoutOptions): number | null {
  if (options.deviceColumn !== undefined) return named(head, options.deviceColumn);
  const column = firstOf(head, DEVICE_NAMES);
  return column === time ? null : column;
}

function named(head: readonly string[], name: string): number {
  const column = head.indexOf(name);
  if (column === -1) throw new ReplayError(`There is no column "${name}". ${listed(head)}`);
  return column;
}

/** The column with the most telling name. */
function firstOf(head: readonly string[], names: readonly string[]): number | null {
  const lower = head.map((title) => title.trim().toLowerCase().replaceAll(/[ -]/g, '_'));
  const found = names.map((name) => lower.indexOf(name)).find((column) => column !== -1);
  return found ?? null;
}

function listed(head: readonly string[]): string {
  return `The columns are: ${head.join(', ')}.`;
}

function recognised(title: string, texts: readonly string[]): TimeFormat {
  const format = texts.map(detectTimeFormat).find((each) => each !== null);
  if (format) return format;
  throw new ReplayError(
    `The column "${title}" begins with ${JSON.stringify(texts[0])}, which is no time that is known; see --time-format.`,
  );
}

/** P-1.4: other characters become `_`; a name that is taken gets a number. */
function metricName(title: string, column: number, taken: Set<string>): string {
  const clean = title.trim().replaceAll(/[^A-Za-z0-9_.-]+/g, '_') || `column_${column + 1}`;
  const started = /^[A-Za-z_]/.test(clean) ? clean : `_${clean}`;
  const base = ['__proto__', 'constructor', 'prototype'].includes(started) ? `${started}_` : started;
  let name = base.slice(0, 64);
  for (let number = 2; taken.has(name); number += 1) name = `${base.slice(0, 58)}_${number}`;
  taken.add(name);
  return name;
}

/** P-1.4: "New York" → "New_York". Throws ReplayError if nothing is left. */
export function deviceId(text: string): string {
  const id = text
    .trim()
    .replaceAll(/[^A-Za-z0-9_-]+/g, '_')
    .slice(0, 64);
  if (/[A-Za-z0-9]/.test(id)) return id;
  throw new ReplayError(`${JSON.stringify(text)} cannot name a device.`);
}
