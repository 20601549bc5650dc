/** The commands of the device that is shown, newest first. Owns their cards. */
import type { CommandView } from '../../schemas/api.ts';
import { element, setNote } from '../dom.ts';
import { CancelWaiting } from './cancel-waiting.ts';
import { CommandCard } from './command-card.ts';
import { CommandHistory, isFinal } from './command-history.ts';
import { statusText } from './command-words.ts';
import type { DeviceApi } from './device-api.ts';

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
