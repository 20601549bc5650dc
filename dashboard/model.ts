/**
 * The fleet as the live channel tells it: a snapshot, then what changed (docs/live.md); and which devices of it are shown,
 * in what order. Owns the rows. Knows no page, so that drawing can wait for the next frame however fast messages come.
 */
import type { Stats } from '../schemas/api.ts';
import type {
  LiveState,
  LiveUpdate,
  LiveValue,
  ServerMessage,
  SnapshotMessage,
  Transition,
} from '../schemas/live.ts';

export interface FleetFilter {
  /** A part of the name, in any case. */
  readonly text: string;
  /** Empty: every customer. */
  readonly customer: string;
  readonly presence: 'all' | 'online' | 'offline';
}

const byName = new Intl.Collator('en', { numeric: true });

/** Which devices are shown and in what order. Owns the sorted names, found anew only when devices come or go. */
export class ShownRows {
  private readonly model: FleetModel;
  private membership = -1;
  private sorted: readonly FleetRow[] = [];

  constructor(model: FleetModel) {
    this.model = model;
  }

  /** By name, numbers as numbers: pump-2 before pump-10. */
  rows({ text, customer, presence }: FleetFilter): readonly FleetRow[] {
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

export interface FleetRow {
  /** `customer/device` */
  readonly name: string;
  readonly customer: string;
  online: boolean;
  since: number | null;
  session: string | null;
  reason: string | null;
  asleep: NonNullable<LiveState['asleep']> | null;
  lastSeenAt: number | null;
  lastDataAt: number | null;
  clock: LiveState['clock'];
  readonly values: Map<string, LiveValue>;
}

export class FleetModel {
  readonly rows = new Map<string, FleetRow>();
  stats: Stats | null = null;
  /** Whether a whole snapshot has come since the last `disconnected`. */
  state: 'waiting' | 'loading' | 'complete' = 'waiting';
  /** Rises when a row comes or goes: the order must be found anew. */
  membership = 0;
  /** Rises with every change of what is shown. */
  version = 0;
  /** What the snapshot that is coming in has listed. */
  private listed = new Set<string>();

  apply(message: ServerMessage): void {
    this.version += 1;
    if (message.type === 'snapshot') this.snapshot(message);
    else if (message.type === 'update') for (const update of message.devices) this.update(update);
    else if (message.type === 'presence') for (const entry of message.devices) this.presence(entry);
    else if (message.type === 'stats') this.stats = message.stats;
  }

  /** Keeps the rows, which now grow old, until the next snapshot replaces them. */
  disconnected(): void {
    this.state = 'waiting';
    this.version += 1;
  }

  /** Another person may log in next. */
  clear(): void {
    this.rows.clear();
    this.stats = null;
    this.membership += 1;
    this.disconnected();
  }

  private snapshot({ page, more, devices }: SnapshotMessage): void {
    if (page === 0) this.listed = new Set();
    this.state = more ? 'loading' : 'complete';
    for (const device of devices) {
      const row = this.row(device.device);
      // The first fragment of a device in this snapshot replaces it; a second one adds to it.
      if (!this.listed.has(row.name)) row.values.clear();
      this.listed.add(row.name);
      connect(row, device);
      merge(row, device);
    }
    if (!more) this.removeUnlisted();
  }

  private update(update: LiveUpdate): void {
    merge(this.row(update.device), update);
  }

  private presence(entry: Transition | { device: string; forgotten: true }): void {
    if ('forgotten' in entry) {
      if (this.rows.delete(entry.device)) this.membership += 1;
      return;
    }
    const row = this.row(entry.device);
    connect(row, entry);
    refresh(row, entry);
  }

  private removeUnlisted(): void {
    for (const name of this.rows.keys()) {
      if (!this.listed.has(name) && this.rows.delete(name)) this.membership += 1;
    }
    this.listed = new Set();
  }

  private row(name: string): FleetRow {
    const known = this.rows.get(name);
    if (known) return known;
    const row = newRow(name);
    this.rows.set(name, row);
    this.membership += 1;
    return row;
  }
}

function newRow(name: string): FleetRow {
  const customer = name.slice(0, name.indexOf('/'));
  const never = {
    online: false,
    since: null,
    session: null,
    reason: null,
    asleep: null,
    lastSeenAt: null,
    lastDataAt: null,
  };
  return { name, customer, ...never, clock: 'ok', values: new Map() };
}

function connect(row: FleetRow, { online, since, session, reason, asleep }: LiveState | Transition): void {
  Object.assign(row, { online, since, session, reason, asleep: asleep ?? null });
}

function refresh(
  row: FleetRow,
  { lastSeenAt, lastDataAt, clock }: LiveState | LiveUpdate | Transition,
): void {
  Object.assign(row, { lastSeenAt, lastDataAt, clock });
}

function merge(row: FleetRow, update: LiveState | LiveUpdate): void {
  refresh(row, update);
  for (const [metric, value] of Object.entries(update.values)) row.values.set(metric, value);
}
