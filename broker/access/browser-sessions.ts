/**
 * Keeps the logins of browsers: a key is traded for a cookie (docs/keys.md). A login ends when it was not used for its
 * lifetime, when its key ends, or when its key has too many; an open live channel is a use. Owns the logins, of which
 * only hashes are stored, and the login tokens, which live in memory only.
 */
import { createHash } from 'node:crypto';
import { inBackground } from '../base/background.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { BrowserSessionRow, KeyRow, KeyStore } from '../store/ports.ts';
import type { KeyService } from './key-service.ts';
import type { RandomBytes } from './key-text.ts';

/** How often sessions that are over are removed and uses are stored; ms. */
const TIDY_EVERY = 60_000;
/** A use is stored when it adds this part of the lifetime, so that a busy page writes a few times a day. */
const RENEWED_BY = 1 / 24;
const TOKEN_LIFETIME = 10 * 60_000;
const SECRET_BYTES = 32;
/** Logins that one key may have open; one more ends its oldest. Keeps memory bounded. */
const SESSIONS_PER_KEY = 100;

export interface BrowserSessionsParts {
  readonly store: Pick<
    KeyStore,
    'loadBrowserSessions' | 'insertBrowserSession' | 'renewBrowserSessions' | 'deleteBrowserSessions'
  >;
  readonly keys: Pick<KeyService, 'find'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly logger: Logger;
  /** Milliseconds without use after which a login ends. */
  readonly lifetime: number;
}

/** A login that holds: its name, which is no secret, and the key that it stands for. */
export interface Login {
  readonly name: string;
  readonly row: KeyRow;
}

/** A login in memory. */
interface BrowserSession {
  /** As stored. */
  row: BrowserSessionRow;
  /** When it ends unless it is used; monotonic ms. */
  until: number;
}

interface LoginToken {
  readonly keyId: string;
  readonly use: 'once' | 'often';
  /** Monotonic ms. */
  readonly until: number;
}

export class BrowserSessions {
  private readonly parts: BrowserSessionsParts;
  /** Oldest first. */
  private readonly byName = new Map<string, BrowserSession>();
  private readonly tokens = new Map<string, LoginToken>();
  private readonly listeners = new Set<(name: string) => void>();
  private timer: Timer | null = null;

  constructor(parts: BrowserSessionsParts) {
    this.parts = parts;
  }

  /** Brings logins back that are still good, and removes the others from the store. */
  async start(): Promise<void> {
    const { store, clock, lifetime } = this.parts;
    const rows = [...(await store.loadBrowserSessions())].sort((a, b) => a.createdAt - b.createdAt);
    for (const row of rows) {
      // Not longer than the lifetime, even if it was set shorter or the wall clock back since.
      const left = Math.min(row.expiresAt - clock.now(), lifetime);
      const session = { row, until: clock.monotonic() + left };
      if (this.keyOf(session)) this.byName.set(nameOf(row.hash), session);
    }
    const over = rows.filter((row) => !this.byName.has(nameOf(row.hash))).map((row) => row.hash);
    if (over.length > 0) await store.deleteBrowserSessions(over);
    this.timer = clock.every(TIDY_EVERY, () => {
      const tidied = Promise.all([this.sweep(), this.flush()]);
      inBackground(tidied, this.parts.logger, 'Logins could not be stored.');
    });
  }

  /** Stores the uses that are not stored yet. Idempotent. */
  async stop(): Promise<void> {
    this.abandon();
    await this.flush();
  }

  /** Stops without storing, after a failure of the store. */
  abandon(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  /** Durable when it resolves. It ends when it is not used, or with its key; the oldest of too many ends now. */
  async create(row: KeyRow): Promise<{ cookie: string; expiresAt: number }> {
    const { store, clock, lifetime } = this.parts;
    const cookie = this.secret();
    const createdAt = clock.now();
    const expiresAt = Math.min(createdAt + lifetime, row.expiresAt ?? Number.POSITIVE_INFINITY);
    const stored = { hash: hashOf(cookie), keyId: row.id, createdAt, expiresAt };
    await store.insertBrowserSession(stored);
    this.byName.set(nameOf(stored.hash), { row: stored, until: clock.monotonic() + lifetime });
    await this.remove(this.superfluous(row.id));
    return { cookie, expiresAt };
  }

  /** The key behind a cookie; null if the session or its key is over. Asking is a use, and renews it. */
  find(cookie: string): KeyRow | null {
    return this.findLogin(cookie)?.row ?? null;
  }

  /** The login behind a cookie; null if it or its key is over. Asking is a use, and renews it. */
  findLogin(cookie: string): Login | null {
    const name = nameOf(hashOf(cookie));
    const row = this.use(name);
    return row && { name, row };
  }

  /** Renews a login by its name; returns its key, or null if it is over. */
  use(name: string): KeyRow | null {
    const session = this.byName.get(name);
    const row = session ? this.keyOf(session) : null;
    if (session && row) session.until = this.parts.clock.monotonic() + this.parts.lifetime;
    return row;
  }

  /** Logs out. Unknown cookies are ignored. */
  async end(cookie: string): Promise<void> {
    const session = this.byName.get(nameOf(hashOf(cookie)));
    if (session) await this.remove([session]);
  }

  /** Tells the name of each login that ends, as soon as it holds no longer. Returns how to stop listening. */
  onEnded(listener: (name: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Stores the uses that have renewed a login by enough. */
  async flush(): Promise<void> {
    const { store, lifetime } = this.parts;
    const renewed = [...this.byName.values()].flatMap((session) => {
      const row = { ...session.row, expiresAt: this.expiryOf(session) };
      const before = session.row;
      return row.expiresAt - before.expiresAt < lifetime * RENEWED_BY ? [] : [{ session, row, before }];
    });
    if (renewed.length === 0) return;
    for (const { session, row } of renewed) session.row = row;
    try {
      await store.renewBrowserSessions(renewed.map(({ row }) => row));
    } catch (error) {
      for (const { session, before } of renewed) session.row = before;
      throw error;
    }
  }

  /** A token that opens a session for this key within ten minutes: once, or (a demo's) as often as somebody likes. */
  issueLoginToken(keyId: string, use: 'once' | 'often' = 'once'): string {
    const now = this.parts.clock.monotonic();
    for (const [name, { until }] of this.tokens) if (until <= now) this.tokens.delete(name);
    const token = this.secret();
    this.tokens.set(nameOf(hashOf(token)), { keyId, use, until: now + TOKEN_LIFETIME });
    return token;
  }

  /** null if the token is unknown, used or too old. */
  redeemLoginToken(token: string): KeyRow | null {
    const name = nameOf(hashOf(token));
    const issued = this.tokens.get(name);
    if (issued?.use !== 'often') this.tokens.delete(name);
    return issued && issued.until > this.parts.clock.monotonic() ? this.parts.keys.find(issued.keyId) : null;
  }

  /** Sessions that are over, and the oldest ones of a key that has too many. */
  private superfluous(keyId: string): BrowserSession[] {
    const sessions = [...this.byName.values()];
    const ofKey = sessions.filter(({ row }) => row.keyId === keyId);
    return [...sessions.filter((session) => !this.keyOf(session)), ...ofKey.slice(0, -SESSIONS_PER_KEY)];
  }

  private async sweep(): Promise<void> {
    await this.remove([...this.byName.values()].filter((session) => !this.keyOf(session)));
  }

  /** Ends these sessions: they hold no longer as soon as this is called. */
  private async remove(sessions: readonly BrowserSession[]): Promise<void> {
    const hashes = sessions.map(({ row }) => row.hash);
    for (const hash of hashes) {
      this.byName.delete(nameOf(hash));
      for (const listener of this.listeners) listener(nameOf(hash));
    }
    if (hashes.length > 0) await this.parts.store.deleteBrowserSessions(hashes);
  }

  private keyOf({ row, until }: BrowserSession): KeyRow | null {
    return until > this.parts.clock.monotonic() ? this.parts.keys.find(row.keyId) : null;
  }

  /** When the session ends, in Unix ms, which mean the same after a restart. */
  private expiryOf({ until }: BrowserSession): number {
    const { clock } = this.parts;
    return Math.round(clock.now() + until - clock.monotonic());
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
