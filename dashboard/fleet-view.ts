/** The page of the whole fleet: figures, search and table. Owns the filter. */
import { element, fact } from './dom.ts';
import { bridgeText, count, duration } from './format.ts';
import type { FleetModel } from './model.ts';
import { deviceLink } from './route.ts';
import { type Filter, Selection } from './selection.ts';
import { DeviceTable } from './table.ts';

export class FleetView {
  private readonly model: FleetModel;
  private readonly selection: Selection;
  private readonly table = new DeviceTable(element('scroll'), element<HTMLTableElement>('devices'));
  private readonly filter = element<HTMLFormElement>('filter');
  private customers = '';

  /** `changed`: something is to be drawn. */
  constructor(model: FleetModel, changed: () => void) {
    this.model = model;
    this.selection = new Selection(model);
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

  private chosen(): Filter {
    const data = new FormData(this.filter);
    const presence = data.get('presence');
    return {
      text: String(data.get('text') ?? ''),
      customer: String(data.get('customer') ?? ''),
      presence: presence === 'online' || presence === 'offline' ? presence : 'all',
    };
  }
}
