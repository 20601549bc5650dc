/**
 * Whether a viewer reads: tells since when the oldest byte that still waits has waited. Owns two counts of bytes and
 * one mark, however much is written.
 */
export class Drain {
  private written = 0;
  /** `at`: monotonic ms. */
  private mark: { readonly written: number; readonly at: number } | null = null;

  wrote(bytes: number): void {
    this.written += bytes;
  }

  /** For `late` ms nobody could read or be seen to. */
  excuse(late: number): void {
    if (this.mark) this.mark = { ...this.mark, at: this.mark.at + late };
  }

  /** How long bytes have been waiting, ms; 0 if none wait. Called regularly, with what waits at `now`, monotonic ms. */
  waiting(bufferedBytes: number, now: number): number {
    const gone = this.written - bufferedBytes;
    if (bufferedBytes === 0) this.mark = null;
    else if (this.mark === null || gone >= this.mark.written) this.mark = { written: this.written, at: now };
    return this.mark === null ? 0 : now - this.mark.at;
  }
}
