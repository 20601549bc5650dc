/**
 * Runs work one piece after the other. A failure reaches whoever asked for that piece, and the next one is run all the
 * same. Owns the end of the queue.
 */
export class SerialQueue {
  private last: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when nothing is under way; more may be asked for while it is waited. */
  async idle(): Promise<void> {
    for (;;) {
      const { last } = this;
      await last;
      if (this.last === last) return;
    }
  }
}
