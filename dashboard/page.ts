/** The page of a logged-in person: draws the model once an animation frame, and the ages once a second. */
import type { ServerMessage } from '../schemas/live.ts';
import { Connection } from './connection.ts';
import { count, duration } from './format.ts';
import { whoIsLoggedIn } from './login.ts';
import { FleetModel } from './model.ts';
import { type Filter, Selection } from './selection.ts';
import { DeviceTable } from './table.ts';

/** How old the page's data may be before the page says so; ms. */
const FRESH = 3000;

export class FleetPage {
  private readonly model = new FleetModel();
  private readonly selection = new Selection(this.model);
  private readonly table = new DeviceTable(element('scroll'), element<HTMLTableElement>('devices'));
  private readonly filter = element<HTMLFormElement>('filter');
  private readonly connection: Connection;
  private frame = 0;
  private heardAt = Date.now();
  /** The broker's clock minus this one's, ms; null until the first stats tell it, within a second. */
  private clockOffset: number | null = null;
  private customers = '';

  /** `ended` is called when the login no longer holds. */
  constructor(ended: () => void) {
    const url = new URL('/v1/live', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    this.connection = new Connection(url.href, {
      message: (message) => this.receive(message),
      lost: () => this.lost(),
      loggedIn: async () => (await whoIsLoggedIn()) !== null,
      ended,
    });
    this.filter.addEventListener('input', () => this.drawSoon());
    this.filter.addEventListener('submit', (event) => event.preventDefault());
    element('scroll').addEventListener('scroll', () => this.drawSoon());
    addEventListener('resize', () => this.drawSoon());
    setInterval(() => this.drawSoon(), 1000);
  }

  start(): void {
    element('fleet').hidden = false;
    this.heardAt = Date.now();
    this.connection.start();
    this.drawSoon();
  }

  /** Leaves nothing on the page that the next person should not see. */
  stop(): void {
    this.connection.stop();
    this.model.clear();
    this.draw();
    element('stats').replaceChildren();
    element('fleet').hidden = true;
  }

  private receive(message: ServerMessage): void {
    this.heardAt = Date.now();
    if (message.type === 'stats') this.clockOffset = message.stats.at - this.heardAt;
    this.model.apply(message);
    this.drawSoon();
  }

  private lost(): void {
    this.model.disconnected();
    this.drawSoon();
  }

  private drawSoon(): void {
    if (this.frame !== 0 || element('fleet').hidden) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    this.offerCustomers();
    const rows = this.selection.rows(this.chosen());
    this.table.draw(rows, this.clockOffset === null ? null : Date.now() + this.clockOffset);
    const total = this.model.rows.size;
    element('shown').textContent =
      rows.length === total ? `${count(total)} devices` : `${count(rows.length)} of ${count(total)} devices`;
    this.drawEmpty(rows.length, total);
    this.drawStats();
    this.drawLink();
  }

  private drawEmpty(shown: number, total: number): void {
    const empty = element('empty');
    empty.hidden = shown > 0 || (total === 0 && this.model.state !== 'complete');
    empty.textContent = total === 0 ? 'No device has connected yet.' : 'No device fits the search.';
  }

  private drawStats(): void {
    const { stats } = this.model;
    if (!stats) return;
    const figures: [string, string][] = [
      ['online', `${count(stats.devices.online)} of ${count(stats.devices.total)}`],
    ];
    if (stats.broker) {
      const { rates, viewers } = stats.broker;
      figures.push(['frames/s', count(rates.frames)], ['values/s', count(rates.samples)]);
      figures.push(['viewers', count(viewers)]);
    }
    figures.push(['up', duration(stats.uptimeSeconds * 1000)]);
    element('stats').replaceChildren(...figures.map(([name, value]) => figure(name, value)));
  }

  private drawLink(): void {
    const link = element('link');
    const age = Date.now() - this.heardAt;
    const live = this.model.state === 'complete' && age < FRESH;
    link.dataset.state = live ? 'live' : this.model.rows.size > 0 ? 'stale' : 'connecting';
    link.textContent = live
      ? 'Live'
      : this.model.rows.size > 0
        ? `This page's data is ${duration(age)} old; connecting…`
        : 'Connecting…';
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

function figure(name: string, value: string): HTMLElement {
  const group = document.createElement('div');
  const term = document.createElement('dt');
  const definition = document.createElement('dd');
  term.textContent = name;
  definition.textContent = value;
  group.append(term, definition);
  return group;
}

/** An element of index.html. */
export function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as Kind;
}
