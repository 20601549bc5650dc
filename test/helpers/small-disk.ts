/**
 * A small file system in memory, to be filled by a test. Mounting takes root and is refused in many containers: there the
 * suites that need it are shown as skipped, with the reason.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { temporaryFolder } from './temporary.ts';

export interface SmallDisk {
  readonly folder: string;
  /** Takes all the room that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
}

/** Mounted until the test is over. */
export function smallDisk(kibibytes: number): SmallDisk {
  const folder = temporaryFolder();
  const { status, stderr } = mount(folder, kibibytes);
  if (status !== 0) throw new Error(`no small disk: ${stderr}`);
  onTestFinished(() => void spawnSync('umount', ['-l', folder]));
  const ballast = join(folder, 'ballast');
  return { folder, fill: () => fillWith(ballast), free: () => rmSync(ballast, { force: true }) };
}

/** Describes the suite where a file system can be mounted. */
export function describeOnSmallDisk(title: string, body: () => void): void {
  const isPossible = canMount();
  describe.runIf(isPossible)(isPossible ? title : `${title} (needs the right to mount a tmpfs)`, body);
}

function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  // In a mount namespace of its own: nothing of it is left, whatever happens.
  const { status } = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/tmp']);
  return status === 0;
}

function mount(folder: string, kibibytes: number) {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', folder], {
    encoding: 'utf8',
  });
}

function fillWith(file: string): void {
  for (let size = 1024 * 1024; size >= 4096; size /= 2) {
    try {
      for (;;) writeFileSync(file, new Uint8Array(size), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
