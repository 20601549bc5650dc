/**
 * What keeps a store from writing for a while and passes by itself: it is waited for. Everything else is a failure. A
 * failed sync is always one: whether the data reached the disk is unknown then, and a second sync would prove nothing.
 */

export type Obstacle = 'disk-full' | 'no-descriptors' | 'database-locked';

const BY_CODE: Readonly<Record<string, Obstacle>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EMFILE: 'no-descriptors',
  ENFILE: 'no-descriptors',
};

/** Of an error of the file system; null: it is a failure. */
export function obstacleOf(error: unknown): Obstacle | null {
  const { code = '', syscall = '' } = error as NodeJS.ErrnoException;
  return syscall.endsWith('sync') ? null : (BY_CODE[code] ?? null);
}
