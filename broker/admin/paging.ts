/**
 * Cuts pages out of lists that may change between them. A cursor holds the place of the last item in the order, or the
 * number at which the next page begins, and never a count: what stays where it is comes exactly once, whatever else
 * comes or goes. Pure.
 */
import { Refusal } from './refusal.ts';

/** Where an item stands: by `rank` (descending if the order says so), then by `name`, which is unique. */
export interface ListPosition {
  readonly rank: number;
  readonly name: string;
}

export interface ListOrder<Item> {
  /** The cursor holds it: one order's cursor means nothing in another. */
  readonly id: string;
  readonly direction: 'ascending' | 'descending';
  place(item: Item): ListPosition;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

interface Placed<Item> {
  readonly place: ListPosition;
  readonly item: Item;
}

/** The `limit` items that come after the cursor. Keeps no more than a page of a long list. */
export function pageOf<Item>(
  items: Iterable<Item>,
  order: ListOrder<Item>,
  { limit, cursor }: { readonly limit: number; readonly cursor: string | undefined },
): Page<Item> {
  const after = cursor === undefined ? null : readCursor(cursor, order.id);
  const kept: Placed<Item>[] = [];
  for (const item of items) {
    const place = order.place(item);
    if (after && compare(place, after, order.direction) <= 0) continue;
    insert(kept, { place, item }, order.direction);
    if (kept.length > limit + 1) kept.pop();
  }
  const shown = kept.slice(0, limit);
  const last = shown.at(-1);
  const next = kept.length > limit && last ? writeCursor(order.id, last.place) : null;
  return { items: shown.map(({ item }) => item), next };
}

function compare(a: ListPosition, b: ListPosition, direction: ListOrder<unknown>['direction']): number {
  const byName = a.name < b.name ? -1 : Number(a.name > b.name);
  const ascending = a.rank - b.rank || byName;
  return direction === 'ascending' ? ascending : -ascending;
}

/** Puts an item into its place in a sorted list, by halving. */
function insert<Item>(
  kept: Placed<Item>[],
  placed: Placed<Item>,
  direction: ListOrder<unknown>['direction'],
): void {
  let low = 0;
  let high = kept.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare((kept[middle] as Placed<Item>).place, placed.place, direction) < 0) low = middle + 1;
    else high = middle;
  }
  kept.splice(low, 0, placed);
}

/** For a list in the order of numbers: the number at which its next page begins; null: no cursor. */
export function readNumberCursor(cursor: string | undefined, list: string): number | null {
  if (cursor === undefined) return null;
  const { rank } = readCursor(cursor, list);
  if (Number.isSafeInteger(rank) && rank >= 0) return rank;
  throw notOurs();
}

/** null: this was the last page. */
export function writeNumberCursor(next: number | null, list: string): string | null {
  return next === null ? null : writeCursor(list, { rank: next, name: '' });
}

function writeCursor(order: string, { rank, name }: ListPosition): string {
  return Buffer.from(JSON.stringify([order, rank, name])).toString('base64url');
}

function readCursor(text: string, order: string): ListPosition {
  const [of, rank, name] = parse(text);
  if (typeof of !== 'string' || typeof rank !== 'number' || typeof name !== 'string') {
    throw notOurs();
  }
  if (of !== order)
    throw new Refusal('bad-request', 'query.cursor belongs to another list; keep sort as it was.');
  return { rank, name };
}

function notOurs(): Refusal {
  return new Refusal('bad-request', 'query.cursor is not one that a page gave; start without it.');
}

function parse(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    // Not JSON: answered like everything else that no page gave.
    return [];
  }
}
