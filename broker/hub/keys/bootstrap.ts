/** The first start: an admin key, written where only the owner of the data folder reads it. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyRing } from './key-ring.ts';

export const ADMIN_KEY_FILE = 'admin.key';

const WISH = { customer: '*', device: null, role: 'admin', label: 'first start', expiresAt: null } as const;

/**
 * Creates an admin key if no valid one is stored and writes it to `<folder>/admin.key`, mode 0600. If there is one,
 * nothing is done, even if the file is gone: it may have been moved to a safer place on purpose; docs/keys.md says how
 * a lost one is replaced. The file is written first, so a crash leaves no admin key that nobody knows. Returns the
 * path if it wrote.
 */
export async function ensureAdminKey(
  keys: Pick<KeyRing, 'list' | 'create'>,
  folder: string,
): Promise<string | null> {
  if (keys.list('*').some((row) => row.role === 'admin')) return null;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await keys.create(WISH, (key) => writeDurably(folder, `${key}\n`));
  return join(folder, ADMIN_KEY_FILE);
}

/** Whole or not at all, also over a power cut; never readable for others, not even for a moment. */
function writeDurably(folder: string, text: string): void {
  const path = join(folder, ADMIN_KEY_FILE);
  rmSync(`${path}.new`, { force: true });
  synced(openSync(`${path}.new`, 'wx', 0o600), (file) => writeSync(file, text));
  renameSync(`${path}.new`, path);
  synced(openSync(folder, 'r'), () => {});
}

function synced(file: number, write: (file: number) => void): void {
  try {
    write(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
