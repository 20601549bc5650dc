/**
 * Draws the rows that are in view, and only those: ten thousand devices cost as much as thirty. Owns the table's body;
 * row elements are made once and filled again.
 */
import { make, setText } from './dom.ts';
import { ago, clockText, presenceDetail, presenceState, valuesText } from './format.ts';
import type { Row } from './model.ts';
import { deviceLink } from './route.ts';

/** As in style.css. */
const ROW_HEIGHT = 34;
/** Rows above and below what is in view, so that scrolling shows no gap. */
const MARGIN = 8;

/** A device whose data is older than this is shown as stale; ms. */
const STALE = 60_000;

interface Cells {
  readonly row: HTMLTableRowElement;
  readonly presence: HTMLElement;
  readonly device: HTMLElement;
  readonly link: HTMLAnchorElement;
  readonly age: HTMLElement;
  readonly clock: HTMLElement;
  readonly values: HTMLElement;
}

export class DeviceTable {
  private readonly scroll: HTMLElement;
  private readonly table: HTMLTableElement;
  private readonly body: HTMLTableSectionElement;
  private readonly above = spacer();
  private readonly below = spacer();
  private readonly cells: Cells[] = [];

  constructor(scroll: HTMLElement, table: HTMLTableElement) {
    this.scroll = scroll;
    this.table = table;
    this.body = table.tBodies[0] ?? table.createTBody();
    this.body.append(this.above, this.below);
  }

  /** `now`: the broker's time, Unix ms; null: not known yet, so no age is shown. */
  draw(rows: readonly Row[], now: number | null): void {
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / ROW_HEIGHT) - MARGIN);
    const inView = Math.ceil(this.scroll.clientHeight / ROW_HEIGHT) + 2 * MARGIN;
    const start = Math.min(first, Math.max(0, rows.length - inView));
    const shown = rows.slice(start, start + inView);
    this.resize(shown.length);
    shown.forEach((row, index) => {
      fill(this.cells[index] as Cells, row, now, start + index);
    });
    setHeight(this.above, start);
    setHeight(this.below, rows.length - start - shown.length);
    this.table.setAttribute('aria-rowcount', String(rows.length + 1));
  }

  private resize(length: number): void {
    while (this.cells.length > length) this.cells.pop()?.row.remove();
    while (this.cells.length < length) {
      const cells = newCells();
      this.cells.push(cells);
      this.body.insertBefore(cells.row, this.below);
    }
  }
}

function fill(
  { row, presence, device, link, age, clock, values }: Cells,
  from: Row,
  now: number | null,
  index: number,
): void {
  row.setAttribute('aria-rowindex', String(index + 2));
  row.dataset.device = from.name;
  const state = presenceState(from, now);
  presence.dataset.state = state;
  setText(presence, state === 'never' ? 'never seen' : state);
  presence.title = now === null ? '' : presenceDetail(from, now);
  setText(link, from.name);
  link.href = deviceLink(from.name);
  device.title = from.name;
  age.dataset.stale = String(now !== null && now - (from.lastDataAt ?? 0) > STALE);
  setText(age, now === null ? '' : ago(from.lastDataAt, now));
  setText(clock, clockText(from.clock));
  const text = valuesText(from.values);
  setText(values, text);
  values.title = text;
}

function newCells(): Cells {
  const row = document.createElement('tr');
  const cell = (name: string, tag: 'td' | 'th' = 'td') => {
    const element = document.createElement(tag);
    element.className = name;
    if (tag === 'th') element.setAttribute('scope', 'row');
    row.append(element);
    return element;
  };
  const presence = cell('presence');
  const device = cell('device', 'th');
  const link = make('a');
  device.append(link);
  return {
    row,
    presence,
    device,
    link,
    age: cell('age'),
    clock: cell('clock'),
    values: cell('values'),
  };
}

/** Stands for the rows that are not drawn. */
function spacer(): HTMLTableRowElement {
  const row = document.createElement('tr');
  row.className = 'spacer';
  row.setAttribute('aria-hidden', 'true');
  return row;
}

function setHeight(row: HTMLTableRowElement, rows: number): void {
  row.style.height = `${rows * ROW_HEIGHT}px`;
  row.hidden = rows === 0;
}
