/** The page of the whole fleet: figures, search and table. Owns the filter and the table's rows. */
import { element, fact, make, setText } from './dom.ts';
import {
  ago,
  bridgeText,
  clockText,
  count,
  duration,
  presenceDetail,
  presenceState,
  valuesText,
} from './format.ts';
import { type FleetFilter, type FleetModel, type FleetRow, ShownRows } from './model.ts';
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

/**
 * Draws the rows that are in view, and only those: ten thousand devices cost as much as thirty. Owns the table's body;
 * row elements are made once and filled again.
 */
class DeviceTable {
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
  draw(rows: readonly FleetRow[], now: number | null): void {
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
  from: FleetRow,
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

export class FleetScreen {
  private readonly model: FleetModel;
  private readonly selection: ShownRows;
  private readonly table = new DeviceTable(element('scroll'), element<HTMLTableElement>('devices'));
  private readonly filter = element<HTMLFormElement>('filter');
  private customers = '';

  /** `changed`: something is to be drawn. */
  constructor(model: FleetModel, changed: () => void) {
    this.model = model;
    this.selection = new ShownRows(model);
    this.filter.addEventListener('input', changed);
    this.filter.addEventListener('submit', (event) => event.preventDefault());
    element('scroll').addEventListener('scroll', changed);
    addEventListener('resize', changed);
    // The whole row is a link for who points; the name is one for who tabs.
    element('devices').addEventListener('click', ({ target }) => {
      if (!(target instanceof Element) || target.closest('a')) return;
      const name = target.closest<HTMLElement>('tr[data-device]')?.dataset.device;
      if (name !== undefined) location.hash = deviceLink(name);
    });
  }

  show(): void {
    element('fleet').hidden = false;
  }

  hide(): void {
    element('fleet').hidden = true;
  }

  /** Nothing is left that the next person should not see. */
  clear(): void {
    this.draw(null);
    element('stats').replaceChildren();
  }

  /** `now`: the broker's time, Unix ms; null: not known yet. */
  draw(now: number | null): void {
    this.offerCustomers();
    const rows = this.selection.rows(this.chosen());
    this.table.draw(rows, now);
    const total = this.model.rows.size;
    element('shown').textContent =
      rows.length === total ? `${count(total)} devices` : `${count(rows.length)} of ${count(total)} devices`;
    this.drawEmpty(rows.length, total);
    this.drawStats();
  }

  private drawEmpty(shown: number, total: number): void {
    const empty = element('empty');
    empty.hidden = shown > 0 || (total === 0 && this.model.state !== 'complete');
    empty.textContent =
      total === 0 ? 'There is no device yet: create a key for one.' : 'No device fits the search.';
  }

  private drawStats(): void {
    const { stats } = this.model;
    if (!stats) return;
    const figures: [string, string][] = [
      ['online', `${count(stats.devices.online)} of ${count(stats.devices.total)}`],
    ];
    if (stats.devices.neverSeen > 0) figures.push(['never seen', count(stats.devices.neverSeen)]);
    if (stats.broker) {
      const { rates, viewers, commands, bridge } = stats.broker;
      figures.push(['frames/s', count(rates.frames)], ['values/s', count(rates.samples)]);
      figures.push(['commands open', count(commands.waiting)], ['viewers', count(viewers)]);
      if (bridge.state !== 'off') figures.push(['MQTT', bridgeText(bridge)]);
    }
    figures.push(['up', duration(stats.uptimeSeconds * 1000)]);
    element('stats').replaceChildren(...figures.map(([name, value]) => fact(name, value)));
  }

  /** The choice appears when there is one. */
  private offerCustomers(): void {
    const customers = this.selection.customers();
    if (customers.join() === this.customers) return;
    this.customers = customers.join();
    element('customer-choice').hidden = customers.length < 2;
    const select = this.filter.elements.namedItem('customer') as HTMLSelectElement;
    const chosen = select.value;
    select.replaceChildren(new Option('every customer', ''), ...customers.map((name) => new Option(name)));
    select.value = customers.includes(chosen) ? chosen : '';
  }

  private chosen(): FleetFilter {
    const data = new FormData(this.filter);
    const presence = data.get('presence');
    return {
      text: String(data.get('text') ?? ''),
      customer: String(data.get('customer') ?? ''),
      presence: presence === 'online' || presence === 'offline' ? presence : 'all',
    };
  }
}
