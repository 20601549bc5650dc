/**
 * Prepares the data folder for its owner: writes the first admin key into a file that nobody else reads, never over
 * another file; and finds what of the folder other users of the machine can reach.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { may } from '../../schemas/roles.ts';
import type { KeyService } from './key-service.ts';
import { keyIdOf } from './key-text.ts';

/** One sentence for each, with the command that mends it. A system without such modes has none. */
export function exposures(folder: string): string[] {
  if (process.platform === 'win32') return [];
  const found: string[] = [];
  const check = (path: string, holds: string, mode: string): void => {
    const bits = (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o777;
    if ((bits & 0o077) === 0) return;
    const shown = bits.toString(8).padStart(4, '0');
    found.push(
      `Other users of this machine can get at ${path} (mode ${shown}), ${holds}. Run: chmod ${mode} ${path}`,
    );
  };
  check(folder, 'which holds telemetry and the state of the fleet', '700');
  check(join(folder, ADMIN_KEY_FILE), 'which holds a key to everything', '600');
  return found;
}

export const ADMIN_KEY_FILE = 'admin.key';

const ADMIN_KEY = {
  customer: '*',
  device: null,
  role: 'admin',
  label: 'first start',
  expiresAt: null,
} as const;

type Keys = Pick<KeyService, 'list' | 'create' | 'adopt'>;

/**
 * Creates an admin key if no valid one is stored and writes it to `<folder>/admin.key`, mode 0600. If there is one,
 * nothing is done, even if the file is gone: it may have been moved to a safer place on purpose; docs/keys.md says how
 * a lost one is replaced. The file is written first, so a crash leaves no admin key that nobody knows. A file that is
 * there is never written over: its key is stored, if the database does not know it (it crashed in between, or the
 * database is a new one), and else the start is refused. Returns the path if a key was stored.
 */
export async function ensureAdminKey(keys: Keys, folder: string): Promise<string | null> {
  if (keys.list('*').some((row) => may(row.role, 'administer'))) return null;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, ADMIN_KEY_FILE);
  if (existsSync(path)) await adopt(keys, path);
  else await keys.create(ADMIN_KEY, (key) => writeDurably(folder, path, `${key}\n`));
  return path;
}

async function adopt(keys: Keys, path: string): Promise<void> {
  const text = readFileSync(path, 'utf8').trim();
  if (keyIdOf(text) !== null && (await keys.adopt(text, ADMIN_KEY))) return;
  throw new Error(
    `no admin key is valid, and ${path} holds one that has ended or none at all; it is not written over. ` +
      'Move that file away and start again: a new key is written.',
  );
}

/** Whole or not at all, also over a power cut; never readable for others, not even for a moment; never over another. */
function writeDurably(folder: string, path: string, text: string): void {
  rmSync(`${path}.new`, { force: true });
  synced(openSync(`${path}.new`, 'wx', 0o600), (file) => writeSync(file, text));
  // Unlike a rename, a link fails if there is one by now.
  linkSync(`${path}.new`, path);
  rmSync(`${path}.new`);
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
