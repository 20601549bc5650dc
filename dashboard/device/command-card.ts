/** One command in the list: where it stands, and its timeline in words. Owns its elements, which last as it changes. */
import type { CommandStepView, CommandView } from '../../schemas/api.ts';
import { make, setNote, setText } from '../dom.ts';
import { ago, clockTime, localTimes } from '../format.ts';
import { shortJson } from '../json-text.ts';
import { isFinal } from './command-history.ts';
import { offset, statusText, stepText, toneOf, who } from './command-words.ts';

export class CommandCard {
  readonly element: HTMLLIElement;
  private readonly status = make('span', 'badge');
  private readonly args = make('code', 'arguments');
  private readonly when = make('span', 'when');
  private readonly timeline = make('ol', 'timeline');
  private readonly origin = make('p', 'origin');
  private readonly problem = make('p', 'problem');
  private readonly cancel = make('button', 'quiet', 'Cancel');
  private readonly details: HTMLDetailsElement;
  private drawn: CommandView | null = null;

  /** `cancel`: asks for it; null: the person may not. It rejects with a sentence for the person. */
  constructor(command: CommandView, cancel: ((command: CommandView) => Promise<void>) | null) {
    const name = make('strong', 'name', command.name);
    const summary = make('summary', '', this.status, name, this.args, this.when);
    const foot = make('div', 'foot', this.origin, cancel && this.cancel);
    this.problem.setAttribute('role', 'alert');
    this.problem.hidden = true;
    this.details = make('details', '', summary, this.timeline, this.problem, foot);
    this.element = make('li', 'command', this.details);
    this.element.dataset.command = command.id;
    this.cancel.type = 'button';
    this.cancel.setAttribute('aria-label', `Cancel ${command.name}`);
    if (cancel) this.cancel.addEventListener('click', () => void this.cancelWith(cancel));
  }

  /** Shows the timeline, until the person closes it. */
  reveal(): void {
    this.details.open = true;
  }

  /** `now`: the broker's time, Unix ms. */
  draw(command: CommandView, now: number): void {
    setText(this.when, ago(command.createdAt, now));
    if (command === this.drawn) return;
    this.drawn = command;
    this.element.dataset.status = command.status;
    this.status.dataset.tone = toneOf(command);
    setText(this.status, statusText(command));
    setText(this.args, command.args === null ? '' : shortJson(command.args));
    this.args.title = this.args.textContent ?? '';
    this.cancel.hidden = isFinal(command);
    setText(this.origin, originText(command, now));
    this.timeline.replaceChildren(
      ...command.timeline.map((step) => stepElement(step, command.createdAt, now)),
      ...pending(command),
    );
  }

  private async cancelWith(cancel: (command: CommandView) => Promise<void>): Promise<void> {
    if (!this.drawn) return;
    this.cancel.disabled = true;
    setNote(this.problem, '');
    try {
      await cancel(this.drawn);
    } catch (error) {
      setNote(this.problem, (error as Error).message);
    } finally {
      this.cancel.disabled = false;
    }
  }
}

function stepElement(step: CommandStepView, createdAt: number, now: number): HTMLElement {
  const time = make('time', '', clockTime(step.at, now));
  time.dateTime = new Date(step.at).toISOString();
  const text = make('span', 'step', stepText(step));
  if (step.session !== undefined) text.title = `Session ${step.session}`;
  const made = make('li', '', time, text, make('span', 'offset', offset(step.at - createdAt)));
  made.dataset.tone = toneOf(step);
  made.dataset.status = step.status;
  if (step.late) made.dataset.late = 'true';
  return made;
}

/** What it waits for stands where the next step will. */
function pending({ waitingFor }: CommandView): HTMLElement[] {
  if (waitingFor === undefined) return [];
  const sentence = localTimes(waitingFor);
  const text = `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)} …`;
  const made = make('li', 'pending', make('span', 'time', 'now'), make('span', 'step', text));
  return [made];
}

function originText(command: CommandView, now: number): string {
  const { id, by, job, supersede, attempts, expiresAt } = command;
  const facts = [`id ${id}`, who(by)];
  if (job !== undefined) facts.push(`job ${job}`);
  if (supersede !== undefined) facts.push(`supersede ${supersede}`);
  facts.push(attempts === 1 ? '1 attempt' : `${attempts} attempts`);
  if (!isFinal(command)) facts.push(`expires ${clockTime(expiresAt, now)}`);
  return facts.join(' · ');
}
