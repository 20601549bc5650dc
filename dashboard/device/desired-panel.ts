/**
 * Shows desired and reported state of the device that is shown, with the difference: reads them once, then follows the
 * live channel; and the form that changes what is desired. Owns the table, the newest documents and the form.
 */
import type { Documents } from '../../schemas/api.ts';
import type { LiveDocuments } from '../../schemas/live.ts';
import { ApiProblem } from '../api.ts';
import { element, make, setNote, setText } from '../dom.ts';
import { ago } from '../format.ts';
import { longJson } from '../json-text.ts';
import { type ComparedName, compare, readDocument, summary, versionOf } from './comparison.ts';
import type { DeviceApi } from './device-api.ts';

interface DesiredFormParts {
  /** Numbers a question, before it is asked. */
  ask(): number;
  /** What the broker said to it. */
  answered(documents: Documents, question: number): void;
}

/**
 * Changes the desired document as text. What somebody else saved meanwhile is never overwritten unseen: the broker
 * refuses (If-Match), and theirs is shown beside the text. Owns the form and the version that its text was made from.
 */
class DesiredForm {
  private readonly open = element<HTMLButtonElement>('desired-edit');
  private readonly form = element<HTMLFormElement>('desired-form');
  private readonly text = element<HTMLTextAreaElement>('desired-text');
  private readonly problem = element('desired-problem');
  private readonly save = element<HTMLButtonElement>('desired-save');
  private readonly theirs = element('theirs');
  private readonly parts: DesiredFormParts;
  private api: DeviceApi | null = null;
  private may: 'look' | 'act' = 'look';
  private newest: Documents | null = null;
  /** The version that the text was made from, or that its writer has seen since. */
  private seen = 0;

  constructor(parts: DesiredFormParts) {
    this.parts = parts;
    this.open.addEventListener('click', () => this.begin());
    element('desired-discard').addEventListener('click', () => this.end());
    element('theirs-take').addEventListener('click', () => this.begin());
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.put();
    });
  }

  show(api: DeviceApi, may: 'look' | 'act'): void {
    this.api = api;
    this.may = may;
    this.newest = null;
    this.form.hidden = true;
    this.open.hidden = true;
  }

  hide(): void {
    this.api = null;
    this.form.hidden = true;
    this.newest = null;
    this.text.value = '';
    element('theirs-text').textContent = '';
    element('theirs-title').textContent = '';
  }

  /** What is there now; the text that somebody is writing stays. */
  know(documents: Documents): void {
    this.newest = documents;
    this.open.hidden = this.may === 'look' || !this.form.hidden;
  }

  private begin(): void {
    if (!this.newest) return;
    this.seen = versionOf(this.newest);
    this.text.value = longJson(this.newest.desired?.values ?? {});
    this.form.hidden = false;
    this.open.hidden = true;
    this.theirs.hidden = true;
    this.showProblem('');
    this.text.focus();
  }

  private end(): void {
    this.form.hidden = true;
    this.open.hidden = false;
    this.open.focus();
  }

  private async put(): Promise<void> {
    const { api } = this;
    const read = readDocument(this.text.value);
    if ('problem' in read) {
      this.showProblem(read.problem);
      this.text.focus();
      return;
    }
    if (!api || this.save.disabled) return;
    this.save.disabled = true;
    const question = this.parts.ask();
    try {
      const documents = await api.desire(read.values, this.seen);
      if (this.api !== api) return;
      this.end();
      this.parts.answered(documents, question);
    } catch (error) {
      if (this.api === api)
        await this.refused(api, error as Error).catch((lost: Error) => this.showProblem(lost.message));
    } finally {
      this.save.disabled = false;
    }
  }

  private async refused(api: DeviceApi, error: Error): Promise<void> {
    if (!(error instanceof ApiProblem && error.code === 'precondition-failed')) {
      this.showProblem(error.message);
      return;
    }
    const question = this.parts.ask();
    const documents = await api.documents();
    if (this.api !== api) return;
    this.seen = versionOf(documents);
    this.parts.answered(documents, question);
    this.showProblem(
      'Somebody else has changed it since you began. Your text is not saved; look at theirs first.',
    );
    const { desired } = documents;
    setText(
      element('theirs-title'),
      `Theirs: version ${this.seen}${desired ? `, by key ${desired.by}` : ''}`,
    );
    setText(element('theirs-text'), longJson(desired?.values ?? {}));
    this.theirs.hidden = false;
    setText(this.save, 'Replace theirs');
  }

  private showProblem(problem: string): void {
    setNote(this.problem, problem);
    setText(this.save, 'Save');
    if (problem === '') this.text.removeAttribute('aria-invalid');
    else this.text.setAttribute('aria-invalid', 'true');
  }
}

const STATES: Readonly<Record<ComparedName['state'], string>> = {
  same: 'as desired',
  differs: 'differs',
  unreported: 'not reported',
  extra: 'reported only',
};

/** What could not be read is tried again, if nothing newer has come meanwhile; ms. */
const RETRY = 5000;

export class DesiredPanel {
  private readonly summary = element('desired-summary');
  private readonly times = element('desired-times');
  private readonly table = element<HTMLTableElement>('comparison');
  private readonly problem = element('desired-unread');
  private readonly editor = new DesiredForm({
    ask: () => this.ask(),
    answered: (documents, question) => this.settle(documents, question),
  });
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
        if (this.api === api) this.accept(documents, question);
      },
      (error: Error) => {
        if (this.api !== api) return;
        setNote(this.problem, `Desired state could not be read. ${error.message}`);
        setTimeout(() => {
          if (this.api === api && this.asked === question) this.load();
        }, RETRY);
      },
    );
  }

  /** What the live channel tells. */
  changed(documents: LiveDocuments): void {
    // The answer to what was saved here may overtake what was told before it; and a device may be forgotten and come again.
    const isOlder = !('tooLarge' in documents) && versionOf(documents) < this.version;
    if ('tooLarge' in documents || isOlder) this.load();
    else this.accept(documents, this.ask());
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

  /** What was told while the answer was on its way may be newer or older than it: then only the broker knows. */
  private settle(documents: Documents, question: number): void {
    if (question < this.answered) this.load();
    else this.accept(documents, question);
  }

  private accept(documents: Documents, question: number): void {
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
