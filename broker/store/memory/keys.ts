/** Owns the keys (id → row) and browser sessions (hash → row) of the memory engine. */
import { type BrowserSessionRow, type KeyRow, StoreError } from '../ports.ts';

export class MemoryKeys {
  private readonly keys = new Map<string, KeyRow>();
  private readonly browserSessions = new Map<string, BrowserSessionRow>();

  all(): readonly KeyRow[] {
    return [...this.keys.values()];
  }

  insert(row: KeyRow): void {
    if (this.keys.has(row.id)) throw new StoreError('exists', `There is a key ${row.id} already.`);
    this.keys.set(row.id, { ...row });
  }

  update(rows: readonly KeyRow[]): void {
    for (const { id, label, expiresAt, revokedAt, lastUsedAt } of rows) {
      const key = this.keys.get(id);
      if (key) this.keys.set(id, { ...key, label, expiresAt, revokedAt, lastUsedAt });
    }
  }

  sessions(): readonly BrowserSessionRow[] {
    return [...this.browserSessions.values()];
  }

  insertSession(row: BrowserSessionRow): void {
    const name = hex(row.hash);
    if (this.browserSessions.has(name)) throw new StoreError('exists', 'There is a browser session already.');
    this.browserSessions.set(name, { ...row });
  }

  renewSessions(rows: readonly BrowserSessionRow[]): void {
    for (const { hash, expiresAt } of rows) {
      const session = this.browserSessions.get(hex(hash));
      if (session) this.browserSessions.set(hex(hash), { ...session, expiresAt });
    }
  }

  deleteSessions(hashes: readonly Uint8Array[]): void {
    for (const hash of hashes) this.browserSessions.delete(hex(hash));
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
