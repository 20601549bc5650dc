/**
 * Logins of browsers: a key is traded for a cookie (interfaces.md, "Keys"). Owns the sessions, of which only hashes are
 * stored, and the one-time login tokens, which live in memory only.
 */
import { createHash } from 'node:crypto';
import type { BrowserSessionRow, KeyRow, KeyStore } from '../../store/ports.ts';
import type { Clock } from '../../wire/environment.ts';
import type { KeyRing } from './key-ring.ts';
import type { RandomBytes } from './key-text.ts';

const DAY = 86_400_000;
const LIFETIME = 30 * DAY;
const TOKEN_LIFETIME = 10 * 60_000;
const SECRET_BYTES = 32;
/** Logins that one key may have open; one more ends its oldest. Keeps memory bounded. */
const SESSIONS_PER_KEY = 100;

export interface BrowserSessionsParts {
  readonly store: Pick<KeyStore, 'loadBrowserSessions' | 'insertBrowserSession' | 'deleteBrowserSessions'>;
  readonly keys: Pick<KeyRing, 'find'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

export class BrowserSessions {
  private readonly parts: BrowserSessionsParts;
  /** Oldest first. */
  private readonly byHash = new Map<string, BrowserSessionRow>();
  private readonly tokens = new Map<string, { readonly keyId: string; readonly until: number }>();

  constructor(parts: BrowserSessionsParts) {
    this.parts = parts;
  }

  /** Brings logins back that are still good, and removes the others from the store. */
  async start(): Promise<void> {
    const { store } = this.parts;
    const rows = [...(await store.loadBrowserSessions())].sort((a, b) => a.createdAt - b.createdAt);
    for (const row of rows) if (this.keyOf(row)) this.byHash.set(nameOf(row.hash), row);
    const over = rows.filter((row) => !this.byHash.has(nameOf(row.hash))).map((row) => row.hash);
    if (over.length > 0) await store.deleteBrowserSessions(over);
  }

  /** Durable when it resolves. It ends after 30 days, or with its key; the oldest of too many ends now. */
  async create(row: KeyRow): Promise<{ cookie: string; expiresAt: number }> {
    const { store, clock } = this.parts;
    const cookie = this.secret();
    const createdAt = clock.now();
    const expiresAt = Math.min(createdAt + LIFETIME, row.expiresAt ?? Number.POSITIVE_INFINITY);
    const session = { hash: hashOf(cookie), keyId: row.id, createdAt, expiresAt };
    await store.insertBrowserSession(session);
    this.byHash.set(nameOf(session.hash), session);
    await this.remove(this.superfluous(row.id));
    return { cookie, expiresAt };
  }

  /** The key behind a cookie; null if the session or its key is over. */
  find(cookie: string): KeyRow | null {
    const session = this.byHash.get(nameOf(hashOf(cookie)));
    return session ? this.keyOf(session) : null;
  }

  /** Logs out. Unknown cookies are ignored. */
  async end(cookie: string): Promise<void> {
    const session = this.byHash.get(nameOf(hashOf(cookie)));
    if (session) await this.remove([session]);
  }

  /** A token that opens one session for this key, within ten minutes. */
  issueLoginToken(keyId: string): string {
    const now = this.parts.clock.now();
    for (const [name, { until }] of this.tokens) if (until <= now) this.tokens.delete(name);
    const token = this.secret();
    this.tokens.set(nameOf(hashOf(token)), { keyId, until: now + TOKEN_LIFETIME });
    return token;
  }

  /** null if the token is unknown, used or too old. */
  redeemLoginToken(token: string): KeyRow | null {
    const name = nameOf(hashOf(token));
    const issued = this.tokens.get(name);
    this.tokens.delete(name);
    return issued && issued.until > this.parts.clock.now() ? this.parts.keys.find(issued.keyId) : null;
  }

  /** Sessions that are over, and the oldest ones of a key that has too many. */
  private superfluous(keyId: string): BrowserSessionRow[] {
    const sessions = [...this.byHash.values()];
    const ofKey = sessions.filter((session) => session.keyId === keyId);
    return [...sessions.filter((session) => !this.keyOf(session)), ...ofKey.slice(0, -SESSIONS_PER_KEY)];
  }

  /** They hold no longer as soon as this is called. */
  private async remove(sessions: readonly BrowserSessionRow[]): Promise<void> {
    for (const { hash } of sessions) this.byHash.delete(nameOf(hash));
    if (sessions.length > 0) await this.parts.store.deleteBrowserSessions(sessions.map(({ hash }) => hash));
  }

  private keyOf({ keyId, expiresAt }: BrowserSessionRow): KeyRow | null {
    return expiresAt > this.parts.clock.now() ? this.parts.keys.find(keyId) : null;
  }

  private secret(): string {
    return Buffer.from(this.parts.randomBytes(SECRET_BYTES)).toString('base64url');
  }
}

function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}

function nameOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64');
}
