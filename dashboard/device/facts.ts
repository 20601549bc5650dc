/** Who the device is, whether it is connected, and its newest values with their age. Owns those two panels. */
import type { DeviceSummary } from '../../schemas/api.ts';
import { element, fact, make, setText } from '../dom.ts';
import { ago, clockText, clockTime, count, presenceState, presenceText, valueText } from '../format.ts';
import type { Row } from '../model.ts';

/** A value that is older than this is shown as stale; ms. */
const STALE = 60_000;

/** What the device said of itself in hello. */
export type KnownSummary = DeviceSummary | 'loading' | 'unread';

export class Facts {
  private readonly presence = element('device-presence');
  private readonly facts = element('facts');
  private readonly values = element<HTMLTableElement>('values');
  private readonly noValues = element('values-empty');
  private drawnFacts = '';
  private drawnMetrics = '';

  /** `now`: the broker's time, Unix ms; null: not known yet, so no age is shown. */
  draw(row: Row, summary: KnownSummary, now: number | null): void {
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

  private drawValues({ values }: Row, now: number | null): void {
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
  row: Row,
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
