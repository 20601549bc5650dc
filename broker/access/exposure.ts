/** What in the data folder other users of the machine can reach. Reads modes, changes nothing. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ADMIN_KEY_FILE } from './bootstrap.ts';

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
