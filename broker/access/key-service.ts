/**
 * Keeps every key of the broker: creates, finds, rotates and revokes them, and tells listeners when one ends. Owns them
 * in memory, by id, so that authenticating asks no database. A change is stored before it holds, one after the other;
 * only the time of a key's last use is stored later. Of a key's text only the SHA-256 is kept.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { may, type Role } from '../../schemas/roles.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { SerialQueue } from '../base/serial-queue.ts';
import { WriteBehind } from '../base/write-behind.ts';
import type { KeyRow, KeyStore } from '../store/ports.ts';
import { keyIdOf, makeKeyText, type RandomBytes } from './key-text.ts';

export interface KeyRequest {
  /** Ignored for an admin, who has every customer (`*`). */
  readonly customer: string;
  /** null: a fleet key, or a key of a person. */
  readonly device: string | null;
  readonly role: Role;
  readonly label: string | null;
  readonly expiresAt: number | null;
}

/** A key as stored, and its text, which nobody can tell again. */
export interface IssuedKey {
  readonly row: KeyRow;
  readonly key: string;
}

export type EndListener = (keyId: string, why: 'revoked' | 'expired') => void;

export interface KeyServiceParts {
  readonly store: Pick<KeyStore, 'loadKeys' | 'insertKey' | 'updateKeys'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly logger: Logger;
}

/** Revocation and expiry end connections within two seconds. */
const EXPIRY_SWEEP = 1000;
const FLUSH_EVERY = 60_000;
/** Compared with when there is no such key, so that a miss takes the same work as a hit. */
const NO_HASH = new Uint8Array(32);

export class KeyService {
  private readonly parts: KeyServiceParts;
  private readonly byId = new Map<string, KeyRow>();
  /** Ids of keys whose last use is not stored. */
  private readonly used: WriteBehind<string>;
  /** Valid keys of whose end nobody has been told yet. */
  private readonly alive = new Set<string>();
  private readonly listeners = new Set<EndListener>();
  private timers: readonly Timer[] = [];
  private readonly writes = new SerialQueue();

  constructor(parts: KeyServiceParts) {
    this.parts = parts;
    const { clock, logger } = parts;
    this.used = new WriteBehind({
      save: (ids) => this.saveRows(ids),
      clock,
      logger,
      failure: 'The use of keys could not be stored.',
    });
  }

  async start(): Promise<void> {
    const { store, clock } = this.parts;
    for (const row of await store.loadKeys()) {
      this.byId.set(row.id, row);
      if (isValid(row, clock.now())) this.alive.add(row.id);
    }
    this.timers = [
      clock.every(EXPIRY_SWEEP, () => this.sweep()),
      clock.every(FLUSH_EVERY, () => this.used.flushNow()),
    ];
  }

  /** Stores the uses of keys that are not stored yet. Idempotent. */
  async stop(): Promise<void> {
    this.abandon();
    await this.flush();
    await this.writes.idle();
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
    // Again, if the clock was set back after its end had been told.
    this.alive.add(row.id);
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

  /**
   * Durable when it resolves. `keep` gets the text before the key is stored: where it throws, there is no key, and a
   * crash in between leaves a text that is worth nothing, never a key that nobody knows.
   */
  async create(request: KeyRequest, keep: (key: string) => void = () => {}): Promise<IssuedKey> {
    const { id, text } = makeKeyText(this.parts.randomBytes);
    keep(text);
    return { row: await this.store(id, text, request), key: text };
  }

  /** Stores a key whose well-formed text is known already. Whether it did: an id that is known stays as it is. */
  async adopt(text: string, request: KeyRequest): Promise<boolean> {
    const id = keyIdOf(text);
    if (id === null || this.byId.has(id)) return false;
    await this.store(id, text, request);
    return true;
  }

  /**
   * Makes a key with the same rights and as long a life; the old one ends after `overlapMs`, or when it would have
   * anyway.
   */
  async rotate(id: string, overlapMs: number): Promise<IssuedKey> {
    const old = this.find(id);
    if (!old) throw new RangeError(`There is no valid key ${id}.`);
    const { customer, device, role, label, createdAt, expiresAt } = old;
    const now = this.parts.clock.now();
    const renewed = expiresAt === null ? null : now + (expiresAt - createdAt);
    const fresh = await this.create({ customer, device, role, label, expiresAt: renewed });
    await this.change(id, (row) => ({
      expiresAt: Math.min(row.expiresAt ?? Number.POSITIVE_INFINITY, now + overlapMs),
    }));
    return fresh;
  }

  /** Returns whether there was a valid key. Listeners hear of its end as soon as it is durable. */
  async revoke(id: string): Promise<boolean> {
    if (!this.find(id)) return false;
    const revokedAt = this.parts.clock.now();
    await this.change(id, () => ({ revokedAt }));
    this.end(id, 'revoked');
    return true;
  }

  onEnded(listener: EndListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Stores when keys were used last. */
  flush(): Promise<void> {
    return this.used.flush();
  }

  private async store(id: string, text: string, request: KeyRequest): Promise<KeyRow> {
    const { store, clock } = this.parts;
    const row: KeyRow = {
      ...request,
      id,
      hash: hashOf(text),
      customer: may(request.role, 'every-customer') ? '*' : request.customer,
      createdAt: clock.now(),
      revokedAt: null,
      lastUsedAt: null,
    };
    await store.insertKey(row);
    this.byId.set(id, row);
    this.alive.add(id);
    return row;
  }

  private saveRows(ids: readonly string[]): Promise<void> {
    return this.writes.run(() => this.parts.store.updateKeys(ids.flatMap((id) => this.byId.get(id) ?? [])));
  }

  /** A row is stored whole, so it is read when its turn comes: otherwise one change would take back another. */
  private change(id: string, changed: (row: KeyRow) => Partial<KeyRow>): Promise<void> {
    return this.writes.run(async () => {
      const before = this.byId.get(id) as KeyRow;
      const part = changed(before);
      await this.parts.store.updateKeys([{ ...before, ...part }]);
      this.byId.set(id, { ...(this.byId.get(id) as KeyRow), ...part });
    });
  }

  private sweep(): void {
    for (const id of this.alive) if (!this.find(id)) this.end(id, 'expired');
  }

  private end(id: string, why: 'revoked' | 'expired'): void {
    if (!this.alive.delete(id)) return;
    for (const listener of this.listeners) listener(id, why);
  }
}

function isValid(row: KeyRow, now: number): boolean {
  return row.revokedAt === null && (row.expiresAt === null || row.expiresAt > now);
}

function hashOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
