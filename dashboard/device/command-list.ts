/**
 * The commands of the device that is shown, newest first, and the button that cancels all that wait. Owns their cards.
 */
import type { CommandStepView, CommandView } from '../../schemas/api.ts';
import { element, make, setNote, setText } from '../dom.ts';
import { ago, clockTime, localTimes } from '../format.ts';
import { shortJson } from '../json-text.ts';
import { CommandHistory, isFinal, offset, statusText, stepText, toneOf, who } from './command-model.ts';
import type { DeviceApi } from './device-api.ts';

/** The button that cancels everything that the device has not accepted yet. Owns that button. */
class CancelWaiting {
  private readonly button = element<HTMLButtonElement>('cancel-waiting');
  private api: DeviceApi | null = null;

  /** `done`: the list is to be read again. `failed`: with a sentence for the person. */
  constructor(done: () => void, failed: (problem: string) => void) {
    this.button.addEventListener('click', () => {
      const { api } = this;
      if (!api || this.button.disabled) return;
      this.button.disabled = true;
      api
        .cancelWaiting()
        .then(done, (error: Error) => {
          if (this.api === api) failed(error.message);
        })
        .finally(() => {
          this.button.disabled = false;
        });
    });
  }

  /** null: the person may not. */
  show(api: DeviceApi | null): void {
    this.api = api;
    this.button.hidden = true;
  }

  /** One that waits has a button of its own. */
  draw(commands: readonly CommandView[]): void {
    const waiting = commands.filter(({ status }) => status === 'queued' || status === 'written').length;
    this.button.hidden = this.api === null || waiting < 2;
    setText(this.button, `Cancel ${waiting} waiting`);
  }
}

/** One command in the list: where it stands, and its timeline in words. Owns its elements, which last as it changes. */
class CommandCard {
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

/** Commands at first, and how many more come each time; the API gives 1,000 at most. */
const PAGE = 30;
const MOST = 1000;

export class CommandList {
  private readonly list = element('commands');
  private readonly empty = element('commands-empty');
  private readonly problem = element('commands-problem');
  private readonly older = element<HTMLButtonElement>('older');
  private readonly announcement = element('announcement');
  private readonly cards = new Map<string, CommandCard>();
  private readonly cancelWaiting: CancelWaiting;
  private readonly changed: () => void;
  private history = new CommandHistory(PAGE);
  private api: DeviceApi | null = null;
  private may: 'look' | 'act' = 'look';
  private state: 'loading' | 'loaded' = 'loading';
  private loads = 0;
  /** Ids of the commands that were sent from here. */
  private readonly own = new Set<string>();

  /** `changed`: something is to be drawn. */
  constructor(changed: () => void) {
    this.changed = changed;
    this.cancelWaiting = new CancelWaiting(
      () => this.load(),
      (problem) => setNote(this.problem, problem),
    );
    this.older.addEventListener('click', () => {
      this.history.grow(Math.min(MOST, this.history.capacity + PAGE));
      this.load();
    });
  }

  /** Begins with the commands of another device. */
  show(api: DeviceApi, may: 'look' | 'act'): void {
    this.hide();
    this.api = api;
    this.may = may;
    this.cancelWaiting.show(may === 'act' ? api : null);
    this.load();
  }

  hide(): void {
    this.api = null;
    this.cancelWaiting.show(null);
    this.state = 'loading';
    this.history = new CommandHistory(PAGE);
    for (const card of this.cards.values()) card.element.remove();
    this.cards.clear();
    this.own.clear();
    this.older.hidden = true;
    setNote(this.problem, '');
    this.announcement.textContent = '';
  }

  /** Reads the list again: steps may have been missed, or what it waits for has changed. */
  load(): void {
    const { api } = this;
    if (!api) return;
    this.loads += 1;
    const load = this.loads;
    api.commands(this.history.capacity).then(
      ({ items, next }) => {
        if (this.api !== api || load !== this.loads) return;
        this.state = 'loaded';
        this.older.hidden = next === null || this.history.capacity >= MOST;
        setNote(this.problem, '');
        this.add(items);
      },
      (error: Error) => {
        if (this.api !== api) return;
        setNote(this.problem, `The commands could not be read. ${error.message}`);
      },
    );
  }

  /** Commands of the device that is shown came further. */
  stepped(commands: readonly CommandView[]): void {
    this.add(commands);
    for (const command of commands) if (this.own.has(command.id)) this.announce(command);
  }

  /** A command was sent from here: its timeline is what the person wants to see. */
  sent(command: CommandView): void {
    this.own.add(command.id);
    this.cards.get(command.id)?.reveal();
    this.add([command]);
    this.announce(command);
  }

  /** Names that were used, newest first. */
  get names(): readonly string[] {
    return [...new Set(this.history.all.map(({ name }) => name))];
  }

  /** `now`: the broker's time, Unix ms. */
  draw(now: number): void {
    const { all } = this.history;
    this.cancelWaiting.draw(all);
    this.empty.hidden = all.length > 0 || this.state === 'loading';
    const known = new Set(all.map(({ id }) => id));
    for (const [id, card] of this.cards) {
      if (known.has(id)) continue;
      card.element.remove();
      this.cards.delete(id);
    }
    all.forEach((command, index) => {
      const card = this.cardOf(command);
      card.draw(command, now);
      const here = this.list.children[index] ?? null;
      if (here !== card.element) this.list.insertBefore(card.element, here);
    });
  }

  private add(commands: readonly CommandView[]): void {
    this.history.add(commands);
    this.changed();
  }

  /** Tells those who do not see the screen. */
  private announce(command: CommandView): void {
    this.announcement.textContent = `${command.name}: ${statusText(command)}`;
  }

  private cardOf(command: CommandView): CommandCard {
    const known = this.cards.get(command.id);
    if (known) return known;
    const card = new CommandCard(command, this.may === 'act' ? (one) => this.cancel(one) : null);
    if (!isFinal(command) || this.own.has(command.id)) card.reveal();
    this.cards.set(command.id, card);
    return card;
  }

  private async cancel({ id }: CommandView): Promise<void> {
    const { api } = this;
    if (!api) return;
    const command = await api.cancel(id);
    if (this.api === api) this.add([command]);
  }
}
