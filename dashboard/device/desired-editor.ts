/**
 * Changes the desired document as text. What somebody else saved meanwhile is never overwritten unseen: the broker
 * refuses (If-Match), and theirs is shown beside the text. Owns the editor and the version that its text was made from.
 */
import type { Documents } from '../../schemas/api.ts';
import { ApiProblem } from '../api.ts';
import { element, setNote, setText } from '../dom.ts';
import { longJson } from '../json-text.ts';
import { readDocument, versionOf } from './comparison.ts';
import type { DeviceApi } from './device-api.ts';

export class DesiredEditor {
  private readonly open = element<HTMLButtonElement>('desired-edit');
  private readonly form = element<HTMLFormElement>('desired-form');
  private readonly text = element<HTMLTextAreaElement>('desired-text');
  private readonly problem = element('desired-problem');
  private readonly save = element<HTMLButtonElement>('desired-save');
  private readonly theirs = element('theirs');
  private readonly saved: (documents: Documents) => void;
  private api: DeviceApi | null = null;
  private may: 'look' | 'act' = 'look';
  private newest: Documents | null = null;
  /** The version that the text was made from, or that its writer has seen since. */
  private seen = 0;

  constructor(saved: (documents: Documents) => void) {
    this.saved = saved;
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
    this.tell('');
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
      this.tell(read.problem);
      this.text.focus();
      return;
    }
    if (!api || this.save.disabled) return;
    this.save.disabled = true;
    try {
      const documents = await api.desire(read.values, this.seen);
      if (this.api !== api) return;
      this.end();
      this.saved(documents);
    } catch (error) {
      if (this.api === api) await this.refused(api, error as Error);
    } finally {
      this.save.disabled = false;
    }
  }

  private async refused(api: DeviceApi, error: Error): Promise<void> {
    if (!(error instanceof ApiProblem && error.code === 'precondition-failed')) {
      this.tell(error.message);
      return;
    }
    const documents = await api.documents();
    if (this.api !== api) return;
    this.seen = versionOf(documents);
    this.saved(documents);
    this.tell('Somebody else has changed it since you began. Your text is not saved; look at theirs first.');
    const { desired } = documents;
    setText(
      element('theirs-title'),
      `Theirs: version ${this.seen}${desired ? `, by key ${desired.by}` : ''}`,
    );
    setText(element('theirs-text'), longJson(desired?.values ?? {}));
    this.theirs.hidden = false;
    setText(this.save, 'Replace theirs');
  }

  private tell(problem: string): void {
    setNote(this.problem, problem);
    setText(this.save, 'Save');
    if (problem === '') this.text.removeAttribute('aria-invalid');
    else this.text.setAttribute('aria-invalid', 'true');
  }
}
