/** Times as recorded data has them. A date or time without a zone is taken as UTC. */

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
