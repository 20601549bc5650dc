/**
 * Time for HTTP: one request in a turn of the event loop, customers in turn, and after a dear one as long a pause as it
 * took. However many a customer asks for at once, devices and everybody else get at least half of the time. Owns
 * who waits for a turn.
 */
import type { Clock } from '../base/clock.ts';

/** A request that took no longer is not worth a pause; ms. */
const CHEAP = 1;

type Run = () => void;

export class RequestTurns {
  private readonly clock: Pick<Clock, 'monotonic' | 'after'>;
  /** By customer; the first is next. */
  private readonly waiting = new Map<string, Run[]>();
  private state: 'idle' | 'turn' | 'pause' = 'idle';

  constructor(clock: Pick<Clock, 'monotonic' | 'after'>) {
    this.clock = clock;
  }

  /** Calls back in this customer's turn: soon, if nobody else asks. */
  add(customer: string, run: Run): void {
    const runs = this.waiting.get(customer);
    if (runs) runs.push(run);
    else this.waiting.set(customer, [run]);
    if (this.state === 'idle') this.begin();
  }

  private begin(): void {
    this.state = 'turn';
    let startedAt = 0;
    setImmediate(() => {
      startedAt = this.clock.monotonic();
      this.next()?.();
    });
    // Between the two the promises of the first have run, and so most of what the request took.
    setImmediate(() => this.pauseFor(this.clock.monotonic() - startedAt));
  }

  private pauseFor(took: number): void {
    if (this.waiting.size === 0 && took <= CHEAP) this.state = 'idle';
    else if (took <= CHEAP) this.begin();
    else {
      this.state = 'pause';
      this.clock.after(took, () => {
        if (this.waiting.size > 0) this.begin();
        else this.state = 'idle';
      });
    }
  }

  private next(): Run | undefined {
    for (const [customer, runs] of this.waiting) {
      const run = runs.shift();
      this.waiting.delete(customer);
      if (runs.length > 0) this.waiting.set(customer, runs);
      return run;
    }
    return undefined;
  }
}
