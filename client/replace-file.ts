/** A file that is replaced at one stroke: after a crash it is the old one or the new one, never half of each. */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Durable when it returns; only the owner may read the file. Throws what the file system says. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, bytes, { mode: 0o600, flush: true });
  renameSync(fresh, path);
  syncFolder(dirname(path));
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
