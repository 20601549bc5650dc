/** The page of one device: composes its panels. Owns which device is shown, and ends what was asked for another one. */
import type { CommandView } from '../../schemas/api.ts';
import type { ServerMessage } from '../../schemas/live.ts';
import { element, setNote, setText } from '../dom.ts';
import type { FleetModel } from '../model.ts';
import { CommandForm } from './command-form.ts';
import { CommandList } from './command-list.ts';
import { DesiredPanel } from './desired-panel.ts';
import { DeviceApi } from './device-api.ts';
import { Facts, type KnownSummary } from './facts.ts';

interface Shown {
  readonly device: string;
  readonly api: DeviceApi;
  readonly end: AbortController;
}

export class DeviceView {
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
    else if (message.type === 'presence' && this.connection !== this.connectionNow()) this.reload();
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
    const take = (summary: KnownSummary) => {
      if (this.shown !== shown) return;
      this.summary = summary;
      this.changed();
    };
    shown.api.summary().then(take, () => take('unread'));
  }
}
