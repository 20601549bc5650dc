/** Which devices are shown and in what order. Owns the sorted names, found anew only when devices come or go. Pure else. */
import type { FleetModel, Row } from './model.ts';

export interface Filter {
  /** A part of the name, in any case. */
  readonly text: string;
  /** Empty: every customer. */
  readonly customer: string;
  readonly presence: 'all' | 'online' | 'offline';
}

const byName = new Intl.Collator('en', { numeric: true });

export class Selection {
  private readonly model: FleetModel;
  private membership = -1;
  private sorted: readonly Row[] = [];

  constructor(model: FleetModel) {
    this.model = model;
  }

  /** By name, numbers as numbers: pump-2 before pump-10. */
  rows({ text, customer, presence }: Filter): readonly Row[] {
    this.refresh();
    const part = text.trim().toLowerCase();
    if (part === '' && customer === '' && presence === 'all') return this.sorted;
    return this.sorted.filter(
      (row) =>
        (part === '' || row.name.toLowerCase().includes(part)) &&
        (customer === '' || row.customer === customer) &&
        (presence === 'all' || row.online === (presence === 'online')),
    );
  }

  customers(): readonly string[] {
    this.refresh();
    return [...new Set(this.sorted.map(({ customer }) => customer))];
  }

  private refresh(): void {
    if (this.membership === this.model.membership) return;
    this.membership = this.model.membership;
    this.sorted = [...this.model.rows.values()].sort((a, b) => byName.compare(a.name, b.name));
  }
}
