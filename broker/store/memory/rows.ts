/** How the maps of the memory engine are looked through. */

interface Numbered {
  readonly number: number;
}

interface Ending {
  readonly endedAt: number | null;
}

export function isOf(row: { readonly customer: string }, customer: string): boolean {
  return customer === '*' || row.customer === customer;
}

/** Those that are not over, in the order of their numbers. */
export function openOnes<Row extends Numbered & Ending>(rows: Iterable<Row>): readonly Row[] {
  return [...rows].filter(({ endedAt }) => endedAt === null).sort((a, b) => a.number - b.number);
}

/** At most `limit` rows that fit, newest first, of numbers below `before`. */
export function newest<Row extends Numbered>(
  rows: Iterable<Row>,
  { before, limit }: { readonly before: number | null; readonly limit: number },
  fits: (row: Row) => boolean,
): readonly Row[] {
  return [...rows]
    .filter((row) => (before === null || row.number < before) && fits(row))
    .sort((a, b) => b.number - a.number)
    .slice(0, limit);
}

/** Deletes at most `limit` rows that ended before `time`; returns how many. */
export function deleteEnded<Row extends Ending>(rows: Map<string, Row>, time: number, limit: number): number {
  const ended = [...rows].filter(([, { endedAt }]) => endedAt !== null && endedAt < time).slice(0, limit);
  for (const [name] of ended) rows.delete(name);
  return ended.length;
}
