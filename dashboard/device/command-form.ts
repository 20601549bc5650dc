/** The form that sends a command. Owns its fields; a viewer sees a sentence in its place. */
import type { CommandView } from '../../schemas/api.ts';
import { ApiProblem } from '../api.ts';
import { element, setNote } from '../dom.ts';
import { Attempts, type CommandFields, readRequest } from './command-model.ts';
import type { DeviceApi } from './device-api.ts';

export class CommandForm {
  private readonly form = element<HTMLFormElement>('send');
  private readonly problem = element('send-problem');
  private readonly button = element<HTMLButtonElement>('send-button');
  private readonly names = element('command-names');
  private readonly sent: (command: CommandView) => void;
  private readonly attempts = new Attempts();
  private api: DeviceApi | null = null;
  private offered = '';

  /** `sent`: the broker has taken the command. */
  constructor(sent: (command: CommandView) => void) {
    this.sent = sent;
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.send();
    });
    this.form.addEventListener('input', () => this.showProblem(null, ''));
  }

  show(api: DeviceApi, may: 'look' | 'act'): void {
    this.api = api;
    this.form.hidden = may === 'look';
    element('send-refused').hidden = may === 'act';
    this.form.reset();
    this.showProblem(null, '');
  }

  hide(): void {
    this.api = null;
    this.form.reset();
    this.offer([]);
    this.showProblem(null, '');
  }

  /** Offers the names that this device was sent before. */
  offer(names: readonly string[]): void {
    const text = names.join(' ');
    if (text === this.offered) return;
    this.offered = text;
    this.names.replaceChildren(...names.map((name) => new Option(name, name)));
  }

  private async send(): Promise<void> {
    const { api } = this;
    if (!api || this.button.disabled) return;
    const read = readRequest(this.fields());
    if ('problem' in read) {
      this.showProblem(read.field, read.problem);
      return;
    }
    this.showProblem(null, '');
    this.button.disabled = true;
    try {
      const command = await api.send({ ...read.request, id: this.attempts.idFor(read.request) });
      this.attempts.settled();
      if (this.api === api) this.sent(command);
    } catch (error) {
      if (error instanceof ApiProblem && error.code !== 'unreachable') this.attempts.settled();
      if (this.api === api) this.showProblem(null, (error as Error).message);
    } finally {
      this.button.disabled = false;
    }
  }

  private fields(): CommandFields {
    const data = new FormData(this.form);
    const text = (name: keyof CommandFields) => String(data.get(name) ?? '');
    return { name: text('name'), args: text('args'), ttl: text('ttl'), supersede: text('supersede') };
  }

  /** Says what is wrong, and where. */
  private showProblem(field: keyof CommandFields | null, problem: string): void {
    setNote(this.problem, problem);
    for (const control of this.form.querySelectorAll<HTMLInputElement>('input, textarea')) {
      if (control.name !== field) control.removeAttribute('aria-invalid');
      else {
        control.setAttribute('aria-invalid', 'true');
        control.focus();
      }
    }
  }
}
