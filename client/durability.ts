/** Promises that a frame becomes durable (P-4.2). Owns those that wait; none is left unsettled after `end`. */

/** The frame is not known to be durable, and nobody will go on trying to make it so. */
export class NotDurable extends Error {
  override readonly name = 'NotDurable';
  readonly seq: number;

  constructor(seq: number, why: string) {
    super(`Frame ${seq} was not acknowledged: ${why}`);
    this.seq = seq;
  }
}

interface Waiter {
  readonly seq: number;
  resolve(): void;
  reject(error: NotDurable): void;
}

export class Durability {
  private waiters: Waiter[] = [];
  private acknowledged = 0;
  private ended: string | null = null;

  /** Nothing that waits would ever be settled otherwise. */
  get isOver(): boolean {
    return this.ended !== null;
  }

  wait(seq: number): Promise<void> {
    if (seq <= this.acknowledged) return Promise.resolve();
    if (this.ended !== null) return Promise.reject(new NotDurable(seq, this.ended));
    return new Promise((resolve, reject) => this.waiters.push({ seq, resolve, reject }));
  }

  reached(seq: number): void {
    this.acknowledged = Math.max(this.acknowledged, seq);
    for (const waiter of this.take((held) => held <= seq)) waiter.resolve();
  }

  lost(seqs: readonly number[], why: string): void {
    const gone = new Set(seqs);
    for (const { seq, reject } of this.take((held) => gone.has(held))) reject(new NotDurable(seq, why));
  }

  end(why: string): void {
    this.ended ??= why;
    for (const { seq, reject } of this.take(() => true)) reject(new NotDurable(seq, why));
  }

  private take(matches: (seq: number) => boolean): Waiter[] {
    const taken = this.waiters.filter(({ seq }) => matches(seq));
    if (taken.length > 0) this.waiters = this.waiters.filter(({ seq }) => !matches(seq));
    return taken;
  }
}
