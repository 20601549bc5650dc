/**
 * Refused MQTT messages for the audit: of each customer the first few in a minute, and of the others how many there were, for whoever
 * publishes nonsense a thousand times a second must not fill the disk, nor hide what is refused to others. Owns the minute's counts.
 */
import type { Clock, Timer } from '../wire/environment.ts';

export interface RefusalRecordsParts<Refusal> {
  readonly clock: Clock;
  readonly record: (refusal: Refusal) => void;
  /** At the end of a minute in which there were more. */
  readonly leftOut: (count: number) => void;
}

const MINUTE = 60_000;
/** Of one customer on record one by one, in a minute. */
const EACH = 30;

export class RefusalRecords<Refusal> {
  private readonly parts: RefusalRecordsParts<Refusal>;
  /** By customer. */
  private readonly counts = new Map<string, number>();
  private timer: Timer | null = null;

  constructor(parts: RefusalRecordsParts<Refusal>) {
    this.parts = parts;
  }

  /** `customer`: whose it is; one name for all that nobody knows, which the sender may make up. */
  add(refusal: Refusal, customer: string): void {
    this.timer ??= this.parts.clock.after(MINUTE, () => this.close());
    const count = (this.counts.get(customer) ?? 0) + 1;
    this.counts.set(customer, count);
    if (count <= EACH) this.parts.record(refusal);
  }

  /** Says what was left out so far. Idempotent. */
  stop(): void {
    this.close();
  }

  private close(): void {
    this.timer?.cancel();
    this.timer = null;
    const more = [...this.counts.values()].reduce((sum, count) => sum + Math.max(0, count - EACH), 0);
    this.counts.clear();
    if (more > 0) this.parts.leftOut(more);
  }
}
