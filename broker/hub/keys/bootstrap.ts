/** The first start: an admin key, written where only the owner of the data folder reads it. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyRow } from '../../store/ports.ts';
import type { KeyRing } from './key-ring.ts';

export const ADMIN_KEY_FILE = 'admin.key';

const LABEL = 'first start';

/**
 * Creates an admin key if there is none and writes it to `<folder>/admin.key`, mode 0600. If there is one, nothing is
 * done, even if the file is gone: it may have been moved to a safer place on purpose. Only a first key that nobody
 * has used and whose file is missing is replaced: then the process ended between the two. Returns the path if it wrote.
 */
export async function ensureAdminKey(
  keys: Pick<KeyRing, 'list' | 'create' | 'revoke'>,
  folder: string,
): Promise<string | null> {
  const path = join(folder, ADMIN_KEY_FILE);
  const lost = (row: KeyRow) => row.label === LABEL && row.lastUsedAt === null && !existsSync(path);
  const admins = keys.list('*').filter((row) => row.role === 'admin');
  if (admins.some((row) => !lost(row))) return null;
  const { key } = await keys.create({
    customer: '*',
    device: null,
    role: 'admin',
    label: LABEL,
    expiresAt: null,
  });
  for (const row of admins) await keys.revoke(row.id);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeDurably(path, `${key}\n`);
  return path;
}

/** Whole or not at all, also over a power cut. */
function writeDurably(path: string, text: string): void {
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}
