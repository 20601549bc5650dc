/**
 * The page of one device: who it is, whether it is connected, its newest values, and the panels of desired state and
 * commands. Owns which device is shown, and cancels requests about another one.
 */
import type { CommandView, DeviceSummary } from '../../schemas/api.ts';
import type { ServerMessage } from '../../schemas/live.ts';
import { element, fact, make, setNote, setText } from '../dom.ts';
import { ago, clockText, clockTime, count, presenceState, presenceText, valueText } from '../format.ts';
import type { FleetModel, FleetRow } from '../model.ts';
import { CommandForm } from './command-form.ts';
import { CommandList } from './command-list.ts';
import { DesiredPanel } from './desired-panel.ts';
import { DeviceApi } from './device-api.ts';

/** A value that is older than this is shown as stale; ms. */
const STALE = 60_000;

/** What the device said of itself in hello. */
type KnownSummary = DeviceSummary | 'loading' | 'unread';

/** Who the device is, whether it is connected, and its newest values with their age. Owns those two panels. */
class Facts {
  private readonly presence = element('device-presence');
  private readonly facts = element('facts');
  private readonly values = element<HTMLTableElement>('values');
  private readonly noValues = element('values-empty');
  private drawnFacts = '';
  private drawnMetrics = '';

  /** `now`: the broker's time, Unix ms; null: not known yet, so no age is shown. */
  draw(row: FleetRow, summary: KnownSummary, now: number | null): void {
    this.presence.dataset.state = presenceState(row, now);
    setText(this.presence, presenceText(row, now));
    this.drawFacts(factsOf(row, summary, now));
    this.drawValues(row, now);
  }

  clear(): void {
    this.drawFacts([]);
    this.resize([]);
    this.presence.textContent = '';
  }

  private drawFacts(facts: readonly (readonly [string, string])[]): void {
    const text = JSON.stringify(facts);
    if (text === this.drawnFacts) return;
    this.drawnFacts = text;
    this.facts.replaceChildren(...facts.map(([name, value]) => fact(name, value)));
  }

  private drawValues({ values }: FleetRow, now: number | null): void {
    const names = [...values.keys()].sort();
    this.resize(names);
    this.values.hidden = names.length === 0;
    this.noValues.hidden = names.length > 0;
    names.forEach((name, index) => {
      const known = values.get(name);
      const cells = this.values.tBodies[0]?.rows[index]?.cells;
      if (!known || !cells) return;
      const [, value, age] = cells;
      if (!value || !age) return;
      setText(value, valueText(known.value));
      setText(age, now === null ? '' : ago(known.at, now));
      age.dataset.stale = String(now !== null && now - known.at > STALE);
      age.title =
        now === null
          ? ''
          : `Measured ${clockTime(known.at, now)}, arrived ${clockTime(known.receivedAt, now)}`;
    });
  }

  private resize(names: readonly string[]): void {
    const text = names.join(' ');
    if (text === this.drawnMetrics) return;
    this.drawnMetrics = text;
    const rows = names.map((name) => {
      const head = make('th', '', name);
      head.scope = 'row';
      return make('tr', '', head, make('td', 'value'), make('td', 'age'));
    });
    this.values.tBodies[0]?.replaceChildren(...rows);
  }
}

function factsOf(
  row: FleetRow,
  summary: KnownSummary,
  now: number | null,
): readonly (readonly [string, string])[] {
  const age = (at: number | null) => (now === null ? '' : ago(at, now));
  const clock = clockText(row.clock);
  const facts: [string, string][] = [
    ['Last data', age(row.lastDataAt)],
    ['Last sign of life', age(row.lastSeenAt)],
    [row.online ? 'Session' : 'Last session', row.session ?? 'none'],
  ];
  if (clock !== '') facts.push(['Its clock', clock]);
  if (summary === 'loading') return facts;
  if (summary === 'unread') return [...facts, ['Model', 'could not be read']];
  if (summary.label) facts.push(['Label', summary.label]);
  if (summary.tags.length > 0) facts.push(['Tags', summary.tags.join(', ')]);
  if (summary.notes) facts.push(['Notes', summary.notes]);
  if (summary.model) facts.push(['Model', summary.model]);
  if (summary.firmware) facts.push(['Firmware', summary.firmware]);
  if (summary.maxFrame) facts.push(['Largest frame', `${count(summary.maxFrame)} bytes`]);
  for (const [name, value] of Object.entries(summary.meta ?? {})) facts.push([name, valueText(value)]);
  return facts;
}

interface Shown {
  readonly device: string;
  readonly api: DeviceApi;
  readonly end: AbortController;
}

export class DeviceScreen {
  private readonly model: FleetModel;
  private readonly changed: () => void;
  private readonly facts = new Facts();
  private readonly desired = new DesiredPanel();
  private readonly commands: CommandList;
  private readonly form: CommandForm;
  private shown: Shown | null = null;
  private summary: KnownSummary = 'loading';
  /** The connection that was drawn last: when it changes, so does what commands wait for. */
  private connection = '';

  /** `changed`: something is to be drawn. */
  constructor(model: FleetModel, changed: () => void) {
    this.model = model;
    this.changed = changed;
    this.commands = new CommandList(changed);
    this.form = new CommandForm((command) => this.commands.sent(command));
  }

  /** `may`: whether the person may send commands and change what is desired. */
  show(device: string, may: 'look' | 'act'): void {
    this.hide();
    const end = new AbortController();
    const api = new DeviceApi(device, end.signal);
    this.shown = { device, api, end };
    this.connection = this.connectionNow();
    setText(element('device-name'), device);
    this.commands.show(api, may);
    this.form.show(api, may);
    this.desired.show(api, may);
    this.loadSummary();
    element('device').hidden = false;
    element('device-name').focus();
  }

  /** Idempotent; leaves nothing on the page that the next person should not see. */
  hide(): void {
    element('device').hidden = true;
    this.shown?.end.abort();
    this.shown = null;
    this.summary = 'loading';
    setText(element('device-name'), 'Device');
    this.facts.clear();
    this.commands.hide();
    this.form.hide();
    this.desired.hide();
  }

  apply(message: ServerMessage): void {
    if (!this.shown) return;
    const { device } = this.shown;
    if (message.type === 'command') {
      const own = (message.commands as readonly CommandView[]).filter((command) => command.device === device);
      if (own.length > 0) this.commands.stepped(own);
    } else if (message.type === 'desired') {
      for (const documents of message.devices) {
        if (documents.device === device) this.desired.changed(documents);
      }
    } else if (message.type === 'error' && message.code === 'commands-missed') this.commands.load();
    else if (message.type === 'error' && message.code === 'desired-missed') this.desired.load();
    else if (message.type === 'snapshot' && !message.more) this.reload();
    else if (message.type === 'presence') {
      // One that was forgotten and is known again may be away before and after.
      const isForgotten = message.devices.some((one) => one.device === device && 'forgotten' in one);
      if (isForgotten || this.connection !== this.connectionNow()) this.reload();
    }
  }

  /** `now`: the broker's time, Unix ms; null: not known yet. */
  draw(now: number | null): void {
    if (!this.shown) return;
    const row = this.model.rows.get(this.shown.device);
    const isMissing = !row && this.model.state === 'complete';
    setNote(element('device-missing'), isMissing ? 'The broker knows no such device (yet).' : '');
    element('panels').hidden = !row;
    element('device-presence').hidden = !row;
    if (!row) return;
    this.facts.draw(row, this.summary, now);
    const time = now ?? Date.now();
    this.commands.draw(time);
    this.form.offer(this.commands.names);
    this.desired.draw(time);
  }

  /** Everything that the live channel does not tell by itself, or may not have told: after a snapshot, or when the device came or went. */
  private reload(): void {
    this.connection = this.connectionNow();
    this.commands.load();
    this.desired.load();
    this.loadSummary();
  }

  private connectionNow(): string {
    const row = this.shown && this.model.rows.get(this.shown.device);
    return row ? `${row.online} ${row.session}` : '';
  }

  private loadSummary(): void {
    const { shown } = this;
    if (!shown) return;
    const accept = (summary: KnownSummary) => {
      if (this.shown !== shown) return;
      this.summary = summary;
      this.changed();
    };
    shown.api.summary().then(accept, () => accept('unread'));
  }
}
