/** Counts of the bridge over all of its threads; a thread counts from zero. Owns the sums. */
import type { DropReason, PublishCounts } from './messages.ts';

const NONE: PublishCounts = {
  sent: 0,
  repeated: 0,
  others: 0,
  dropped: { superseded: 0, unreadable: 0, 'too-large': 0, refused: 0 },
};

export class BridgeCounts {
  private before = NONE;
  private current = NONE;

  get total(): PublishCounts {
    return combine(this.before, this.current, (a, b) => a + b);
  }

  /** What the thread of now has counted. */
  report(counts: PublishCounts): void {
    this.current = counts;
  }

  /** A new thread begins. */
  reset(): void {
    this.before = this.total;
    this.current = NONE;
  }
}

/** What was counted between two totals. */
export function difference(later: PublishCounts, earlier: PublishCounts): PublishCounts {
  return combine(later, earlier, (a, b) => a - b);
}

function combine(
  a: PublishCounts,
  b: PublishCounts,
  operate: (a: number, b: number) => number,
): PublishCounts {
  const dropped = (reason: DropReason) => operate(a.dropped[reason], b.dropped[reason]);
  return {
    sent: operate(a.sent, b.sent),
    repeated: operate(a.repeated, b.repeated),
    others: operate(a.others, b.others),
    dropped: {
      superseded: dropped('superseded'),
      unreadable: dropped('unreadable'),
      'too-large': dropped('too-large'),
      refused: dropped('refused'),
    },
  };
}
