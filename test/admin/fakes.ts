/** Stand-ins for the parts that the HTTP API asks: keys and logins in memory, with names instead of secrets. */

import type { IssuedKey, KeyRequest } from '../../broker/access/key-service.ts';
import type { AdminKeys, AdminSessions } from '../../broker/admin/parts.ts';
import type { Clock } from '../../broker/base/clock.ts';
import type { KeyRow } from '../../broker/store/ports.ts';
import type { Role } from '../../schemas/roles.ts';

/** A key whose text is `sbx_<id>`. */
export function keyRow(id: string, role: Role, customer: string, more: Partial<KeyRow> = {}): KeyRow {
  return {
    id,
    hash: new Uint8Array(32),
    customer,
    device: null,
    role,
    label: null,
    createdAt: 1000,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    ...more,
  };
}

export class FakeKeys implements AdminKeys {
  readonly rows = new Map<string, KeyRow>();
  private readonly clock: Clock;

  constructor(clock: Clock, rows: readonly KeyRow[]) {
    this.clock = clock;
    for (const row of rows) this.rows.set(row.id, row);
  }

  authenticate(text: string): KeyRow | null {
    return text.startsWith('sbx_') ? this.find(text.slice(4)) : null;
  }

  find(id: string): KeyRow | null {
    return this.list('*').find((row) => row.id === id) ?? null;
  }

  list(customer: string): readonly KeyRow[] {
    return [...this.rows.values()].filter(
      (row) => row.revokedAt === null && (customer === '*' || row.customer === customer),
    );
  }

  async create(request: KeyRequest): Promise<IssuedKey> {
    const id = `created${this.rows.size}`;
    const row = keyRow(id, request.role, request.customer, { ...request, id, createdAt: this.clock.now() });
    this.rows.set(id, row);
    return { row, key: `sbx_${id}` };
  }

  async rotate(id: string, overlapMs: number): Promise<IssuedKey> {
    const old = this.rows.get(id) as KeyRow;
    this.rows.set(id, { ...old, expiresAt: this.clock.now() + overlapMs });
    return this.create({ ...old, expiresAt: null });
  }

  async revoke(id: string): Promise<boolean> {
    const row = this.find(id);
    if (!row) return false;
    this.rows.set(id, { ...row, revokedAt: this.clock.now() });
    return true;
  }

  customers(): string[] {
    const names = [...this.rows.values()].map((row) => row.customer).filter((customer) => customer !== '*');
    return [...new Set(names)];
  }
}

/** A cookie is `cookie-<key id>`; the login tokens that are good once are put into `tokens`. */
export class FakeBrowserSessions implements AdminSessions {
  readonly tokens = new Map<string, KeyRow>();
  private readonly open = new Map<string, KeyRow>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async create(row: KeyRow): Promise<{ cookie: string; expiresAt: number }> {
    this.open.set(`cookie-${row.id}`, row);
    return { cookie: `cookie-${row.id}`, expiresAt: this.clock.now() + 3_600_000 };
  }

  find(cookie: string): KeyRow | null {
    return this.open.get(cookie) ?? null;
  }

  async end(cookie: string): Promise<void> {
    this.open.delete(cookie);
  }

  redeemLoginToken(token: string): KeyRow | null {
    const row = this.tokens.get(token) ?? null;
    this.tokens.delete(token);
    return row;
  }
}
