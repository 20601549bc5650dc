/**
 * The bridge's status for operators. `BridgeCounts` owns the sums of what all of its threads counted, each of which counts
 * from zero. `Outages` owns the outage at hand, from the first failure until the backlog of the reconnect is with the
 * server, and states it once.
 */
import type { Clock } from '../base/clock.ts';
import type { Position } from '../store/position.ts';
import type { PublishCounts, UnpublishedReason } from './messages.ts';

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
  const dropped = (reason: UnpublishedReason) => operate(a.dropped[reason], b.dropped[reason]);
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

/** What is said of an outage when it is over. */
export interface OutageStatement {
  /** When the peer went, or when the bridge started without it; Unix ms. */
  readonly from: number;
  /** When it was back; Unix ms. */
  readonly to: number;
  /** Messages of the log that it acknowledged from then on until the backlog was gone. */
  readonly sent: number;
  /** Copies that were written again in that time, since their acknowledgement was missing. */
  readonly repeated: number;
  readonly dropped: Readonly<Record<UnpublishedReason, number>>;
  /** What the log's retention took meanwhile, in bytes. */
  readonly lostBytes: number;
  /** From `to` until the backlog was gone; ms. */
  readonly drainedMs: number;
}

/** What is counted now. */
export interface OutageCounts extends PublishCounts {
  readonly lostBytes: number;
}

interface Outage {
  /** `start`: nothing has failed; worth a statement only if something waits. */
  cause: 'start' | 'failure';
  readonly from: number;
  readonly counts: OutageCounts;
  /** When the peer was back (Unix ms, and monotonic ms), and where the log ended then; null: it is away. */
  back: { readonly at: number; readonly since: number; readonly end: Position } | null;
}

export class Outages {
  private readonly clock: Clock;
  private outage: Outage | null = null;
  /** Since the start. */
  count = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Begins an outage that is none if the peer is there at once and nothing waits. */
  started(counts: OutageCounts): void {
    this.outage = { cause: 'start', from: this.clock.now(), counts, back: null };
  }

  /** The peer is gone. While it is away again and again it is one outage. Returns whether it is a new one. */
  began(counts: OutageCounts): boolean {
    const isNew = this.outage?.cause !== 'failure';
    this.outage ??= { cause: 'failure', from: this.clock.now(), counts, back: null };
    this.outage.cause = 'failure';
    this.outage.back = null;
    return isNew;
  }

  /** The peer is there; the log ends at `end`, and the peer has it up to `position`. */
  ended(end: Position, position: Position): void {
    if (!this.outage) return;
    if (this.outage.cause === 'start' && position >= end) this.outage = null;
    else this.outage.back = { at: this.clock.now(), since: this.clock.monotonic(), end };
  }

  /** Everything before `position` is with the peer. The statement when that ends an outage; else null. */
  progress(position: Position, counts: OutageCounts): OutageStatement | null {
    const { outage } = this;
    if (!outage?.back || position < outage.back.end) return null;
    this.outage = null;
    this.count += 1;
    const { sent, repeated, dropped } = difference(counts, outage.counts);
    return {
      from: outage.from,
      to: outage.back.at,
      sent,
      repeated,
      dropped,
      lostBytes: counts.lostBytes - outage.counts.lostBytes,
      drainedMs: this.clock.monotonic() - outage.back.since,
    };
  }
}

/** For the log and the audit, in one sentence. */
export function describeOutage({
  from,
  to,
  sent,
  repeated,
  dropped,
  lostBytes,
  drainedMs,
}: OutageStatement): string {
  const reasons = Object.entries(dropped).filter(([, count]) => count > 0);
  const drops = reasons.map(([reason, count]) => `${count} ${reason}`).join(', ') || 'none';
  const lost = lostBytes > 0 ? `, and ${lostBytes} bytes fell off the log before` : '';
  return (
    `The MQTT server was away from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}: ` +
    `${sent} messages sent, ${repeated} repeated, dropped: ${drops}${lost}; drained in ${(drainedMs / 1000).toFixed(1)} s.`
  );
}

/** `off`: no server is configured. `waiting`: the next attempt to connect comes by itself. */
export type BridgeState = 'off' | 'connecting' | 'connected' | 'waiting' | 'failed' | 'stopped';

export interface BridgeStatus {
  readonly state: BridgeState;
  /** When this state began; Unix ms. */
  readonly since: number;
  /** The server at hand, without credentials. */
  readonly peer: string | null;
  readonly protocol: '5' | '3.1.1' | null;
  /** Messages of the log a second. */
  readonly rate: number;
  readonly backlog: {
    readonly bytes: number;
    /** Estimated by what a message took so far; null: none was sent yet. */
    readonly messages: number | null;
    /** Age of the oldest frame that the peer does not have. */
    readonly seconds: number;
  };
  /** Position in the log; everything before it is with the peer. */
  readonly cursor: number | null;
  readonly inFlight: number;
  /** Messages of the log, copies written again, and messages from elsewhere, since the start. */
  readonly sent: number;
  readonly repeated: number;
  readonly others: number;
  readonly dropped: Readonly<Record<UnpublishedReason | 'no-room', number>>;
  /** Fell off the log before the peer had it. */
  readonly lostBytes: number;
  readonly outages: number;
  /** Times that the thread ended by itself. */
  readonly crashes: number;
  readonly lastError: BridgeNote | null;
  /** The newest subscription or message that the server did not take. */
  readonly lastRefusal: BridgeNote | null;
}

export interface BridgeNote {
  readonly at: number;
  readonly message: string;
}
