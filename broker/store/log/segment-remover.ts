/**
 * Unlinks segments, oldest first and never one before an older one is gone: a gap would look like damage at the next
 * start. What cannot be removed is tried again with the next segment or check. Owns the list of what is to go.
 */
import { unlink } from 'node:fs/promises';
import type { Log } from '../../wire/environment.ts';

export class SegmentRemover {
  private readonly log: Log;
  private readonly paths: string[] = [];
  private running: Promise<void> = Promise.resolve();

  constructor(log: Log) {
    this.log = log;
  }

  /** `paths` are newer than all before. */
  remove(paths: readonly string[]): void {
    this.paths.push(...paths);
    this.running = this.running.then(() => this.unlinkAll());
  }

  /** Resolves when what was asked for has been tried. */
  idle(): Promise<void> {
    return this.running;
  }

  private async unlinkAll(): Promise<void> {
    for (let path = this.paths[0]; path; path = this.paths[0]) {
      try {
        await unlink(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
          this.log.error({ err: error, path }, 'A log segment could not be removed; it will be tried again.');
          return;
        }
      }
      this.paths.shift();
    }
  }
}
