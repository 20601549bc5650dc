/**
 * Every key of the broker. Owns them in memory, by id, so that authenticating asks no database; what changes is in
 * the store before it holds. Only the SHA-256 of a key is kept.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { KeyRow, KeyStore, Role } from '../../store/ports.ts';
import type { Clock, Log, Timer } from '../../wire/environment.ts';
import { keyIdOf, makeKeyText, type RandomBytes } from './key-text.ts';

export interface KeyWish {
  /** Ignored for an admin, who has every customer (`*`). */
  readonly customer: string;
  /** null: a fleet key, or a key of a person. */
  readonly device: string | null;
  readonly role: Role;
  readonly label: string | null;
  readonly expiresAt: number | null;
}

/** A key as stored, and its text, which nobody can tell again. */
export interface NewKey {
  readonly row: KeyRow;
  readonly key: string;
}

export type EndListener = (keyId: string, why: 'revoked' | 'expired') => void;

export interface KeyRingParts {
  readonly store: Pick<KeyStore, 'loadKeys' | 'insertKey' | 'updateKeys'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly logger: Log;
}

/** Revocation and expiry end connections within two seconds (interfaces.md). */
const EXPIRY_SWEEP = 1000;
const FLUSH_EVERY = 60_000;
/** Compared with when there is no such key, so that a miss takes the same work as a hit. */
const NO_HASH = new Uint8Array(32);

export class KeyRing {
  private readonly parts: KeyRingParts;
  private readonly byId = new Map<string, KeyRow>();
  private readonly used = new Set<string>();
  private readonly listeners = new Set<EndListener>();
  private timers: readonly Timer[] = [];
  private sweptAt = 0;

  constructor(parts: KeyRingParts) {
    this.parts = parts;
  }

  async start(): Promise<void> {
    const { store, clock, logger } = this.parts;
    for (const row of await store.loadKeys()) this.byId.set(row.id, row);
    this.sweptAt = clock.now();
    this.timers = [
      clock.every(EXPIRY_SWEEP, () => this.sweep()),
      clock.every(FLUSH_EVERY, () => {
        this.flush().catch((error: unknown) =>
          logger.error({ err: error }, 'The use of keys could not be stored.'),
        );
      }),
    ];
  }

  /** Stores what is left. Idempotent. */
  async stop(): Promise<void> {
    this.abandon();
    await this.flush();
  }

  /** Stops without storing, after a failure of the store. */
  abandon(): void {
    for (const timer of this.timers) timer.cancel();
    this.timers = [];
  }

  /** The key that this is the text of; null for one that is malformed, unknown, expired or revoked (P-1.5). */
  authenticate(text: string): KeyRow | null {
    const now = this.parts.clock.now();
    const hash = hashOf(text);
    const row = this.byId.get(keyIdOf(text) ?? '');
    const equal = timingSafeEqual(hash, row?.hash ?? NO_HASH);
    if (!row || !equal || !isValid(row, now)) return null;
    this.used.add(row.id);
    const seen = { ...row, lastUsedAt: now };
    this.byId.set(row.id, seen);
    return seen;
  }

  /** A valid key by its id. */
  find(id: string): KeyRow | null {
    const row = this.byId.get(id);
    return row && isValid(row, this.parts.clock.now()) ? row : null;
  }

  /** Valid keys of a customer, of every one for `*`, oldest first. */
  list(customer: string): readonly KeyRow[] {
    const now = this.parts.clock.now();
    return [...this.byId.values()].filter(
      (row) => isValid(row, now) && (customer === '*' || row.customer === customer),
    );
  }

  /** Customers that a key names, revoked ones too: their devices may still have state. */
  customers(): string[] {
    const names = new Set([...this.byId.values()].map((row) => row.customer));
    names.delete('*');
    return [...names].sort();
  }

  /** Durable when it resolves. */
  async create(wish: KeyWish): Promise<NewKey> {
    const { store, clock, randomBytes } = this.parts;
    const { id, text } = makeKeyText(randomBytes);
    const row: KeyRow = {
      ...wish,
      id,
      hash: hashOf(text),
      customer: wish.role === 'admin' ? '*' : wish.customer,
      createdAt: clock.now(),
      revokedAt: null,
      lastUsedAt: null,
    };
    await store.insertKey(row);
    this.byId.set(id, row);
    return { row, key: text };
  }

  /** A new key with the same rights and as long a life; the old one ends `overlapMs` from now, or when it would have anyway. */
  async rotate(id: string, overlapMs: number): Promise<NewKey> {
    const old = this.find(id);
    if (!old) throw new RangeError(`There is no valid key ${id}.`);
    const { customer, device, role, label, createdAt, expiresAt } = old;
    const now = this.parts.clock.now();
    const renewed = expiresAt === null ? null : now + (expiresAt - createdAt);
    const fresh = await this.create({ customer, device, role, label, expiresAt: renewed });
    const ends = Math.min(expiresAt ?? Number.POSITIVE_INFINITY, now + overlapMs);
    await this.change({ ...old, expiresAt: ends });
    return fresh;
  }

  /** Whether there was a valid one. Listeners hear of it as soon as it is durable. */
  async revoke(id: string): Promise<boolean> {
    const row = this.find(id);
    if (!row) return false;
    await this.change({ ...row, revokedAt: this.parts.clock.now() });
    this.tell(id, 'revoked');
    return true;
  }

  onEnded(listener: EndListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Stores when keys were used last. */
  async flush(): Promise<void> {
    if (this.used.size === 0) return;
    const rows = [...this.used].map((id) => this.byId.get(id)).filter((row) => row !== undefined);
    this.used.clear();
    await this.parts.store.updateKeys(rows);
  }

  private async change(row: KeyRow): Promise<void> {
    await this.parts.store.updateKeys([row]);
    const lastUsedAt = this.byId.get(row.id)?.lastUsedAt ?? row.lastUsedAt;
    this.byId.set(row.id, { ...row, lastUsedAt });
  }

  private sweep(): void {
    const now = this.parts.clock.now();
    for (const { id, expiresAt, revokedAt } of this.byId.values()) {
      if (revokedAt === null && expiresAt !== null && expiresAt > this.sweptAt && expiresAt <= now) {
        this.tell(id, 'expired');
      }
    }
    this.sweptAt = now;
  }

  private tell(id: string, why: 'revoked' | 'expired'): void {
    for (const listener of this.listeners) listener(id, why);
  }
}

function isValid(row: KeyRow, now: number): boolean {
  return row.revokedAt === null && (row.expiresAt === null || row.expiresAt > now);
}

function hashOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
