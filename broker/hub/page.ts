/** One page of a list that goes by number, newest first. Pure. */

export interface NumberedPage<Row> {
  readonly items: readonly Row[];
  /** The `before` of the next page; null: this was the last. */
  readonly next: number | null;
}

/** `rows`: asked for with one more than `limit`, which tells whether another page follows. */
export function cutPage<Row extends { readonly number: number }>(
  rows: readonly Row[],
  limit: number,
): NumberedPage<Row> {
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? (items.at(-1)?.number ?? null) : null };
}
