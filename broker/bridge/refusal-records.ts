/**
 * Refused MQTT messages for the audit: each of the first few in a minute, and of the others how many there were, for whoever
 * publishes nonsense a thousand times a second must not fill the disk. Owns the minute's count.
 */
import type { Clock, Timer } from '../wire/environment.ts';

export interface RefusalRecordsParts<Refusal> {
  readonly clock: Clock;
  readonly record: (refusal: Refusal) => void;
  /** At the end of a minute in which there were more. */
  readonly leftOut: (count: number) => void;
}

const MINUTE = 60_000;
/** On record one by one, in a minute. */
const EACH = 30;

export class RefusalRecords<Refusal> {
  private readonly parts: RefusalRecordsParts<Refusal>;
  private count = 0;
  private timer: Timer | null = null;

  constructor(parts: RefusalRecordsParts<Refusal>) {
    this.parts = parts;
  }

  add(refusal: Refusal): void {
    this.timer ??= this.parts.clock.after(MINUTE, () => this.close());
    this.count += 1;
    if (this.count <= EACH) this.parts.record(refusal);
  }

  /** Says what was left out so far. Idempotent. */
  stop(): void {
    this.close();
  }

  private close(): void {
    this.timer?.cancel();
    this.timer = null;
    const more = this.count - EACH;
    this.count = 0;
    if (more > 0) this.parts.leftOut(more);
  }
}
