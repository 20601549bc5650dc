/** Work that is done one after the other. Whoever asked for it hears of a failure; what follows is tried all the same. */
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
