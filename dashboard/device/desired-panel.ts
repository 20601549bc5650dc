/**
 * Desired and reported state of the device that is shown, with the difference: read once, then as the live channel tells
 * it. Owns the table and the newest documents.
 */
import type { Documents } from '../../schemas/api.ts';
import type { LiveDocuments } from '../../schemas/live.ts';
import { element, make, setNote, setText } from '../dom.ts';
import { ago } from '../format.ts';
import { type ComparedName, compare, summary, versionOf } from './comparison.ts';
import { DesiredEditor } from './desired-editor.ts';
import type { DeviceApi } from './device-api.ts';

const STATES: Readonly<Record<ComparedName['state'], string>> = {
  same: 'as desired',
  differs: 'differs',
  unreported: 'not reported',
  extra: 'reported only',
};

export class DesiredPanel {
  private readonly summary = element('desired-summary');
  private readonly times = element('desired-times');
  private readonly table = element<HTMLTableElement>('comparison');
  private readonly problem = element('desired-unread');
  private readonly editor = new DesiredEditor((documents) => this.take(documents, this.ask()));
  private api: DeviceApi | null = null;
  private documents: Documents | null = null;
  private drawn = '';
  /** Numbers the questions: an answer that was overtaken by a newer one changes nothing. */
  private asked = 0;
  private answered = 0;

  show(api: DeviceApi, may: 'look' | 'act'): void {
    this.hide();
    this.api = api;
    this.editor.show(api, may);
    this.load();
  }

  hide(): void {
    this.api = null;
    this.documents = null;
    this.editor.hide();
    this.table.hidden = true;
    this.table.tBodies[0]?.replaceChildren();
    this.drawn = '';
    this.summary.textContent = '';
    this.times.textContent = '';
    setNote(this.problem, '');
  }

  /** The live channel tells only what changes: the first time, and after a gap, the page asks. */
  load(): void {
    const { api } = this;
    const question = this.ask();
    api?.documents().then(
      (documents) => {
        if (this.api === api) this.take(documents, question);
      },
      (error: Error) => {
        if (this.api === api) setNote(this.problem, `Desired state could not be read. ${error.message}`);
      },
    );
  }

  /** What the live channel tells. */
  changed(documents: LiveDocuments): void {
    // The answer to what was saved here may overtake what was told before it; and a device may be forgotten and come again.
    const isOlder = !('tooLarge' in documents) && versionOf(documents) < this.version;
    if ('tooLarge' in documents || isOlder) this.load();
    else this.take(documents, this.ask());
  }

  /** `now`: the broker's time, Unix ms. */
  draw(now: number): void {
    const { documents } = this;
    if (!documents) return;
    const { desired, reported } = documents;
    const times = [
      desired && `Set ${ago(desired.at, now)} by key ${desired.by}.`,
      reported && `Reported ${ago(reported.at, now)}.`,
    ];
    setText(this.times, times.filter(Boolean).join(' '));
  }

  private get version(): number {
    return this.documents ? versionOf(this.documents) : 0;
  }

  private ask(): number {
    this.asked += 1;
    return this.asked;
  }

  private take(documents: Documents, question: number): void {
    if (question < this.answered) return;
    this.answered = question;
    this.documents = documents;
    this.editor.know(documents);
    setNote(this.problem, '');
    const text = JSON.stringify(documents);
    if (text === this.drawn) return;
    this.drawn = text;
    setText(this.summary, summary(documents));
    this.summary.dataset.state = !documents.desired ? 'none' : documents.inSync ? 'same' : 'differs';
    const rows = compare(documents);
    this.table.hidden = rows.length === 0;
    this.table.tBodies[0]?.replaceChildren(...rows.map(rowOf));
  }
}

function rowOf({ name, desired, reported, state }: ComparedName): HTMLTableRowElement {
  const head = make('th', '', name);
  head.scope = 'row';
  const row = make(
    'tr',
    '',
    head,
    valueCell(desired),
    valueCell(reported),
    make('td', 'state', STATES[state]),
  );
  row.dataset.state = state;
  return row;
}

function valueCell(text: string | null): HTMLTableCellElement {
  const cell = make('td', '', text === null ? make('span', 'none', '—') : make('code', '', text));
  if (text !== null) cell.title = text;
  return cell;
}
