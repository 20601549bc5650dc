/** Which closed segments may go. Pure. */
import type { Segment } from './segments.ts';

export interface RetentionLimits {
  /** The whole log, the open segment included. */
  readonly bytes: number;
  readonly ageMs: number;
  /** How long a segment stays that everybody has passed: for readers that are yet to come. */
  readonly keepMs: number;
}

export interface RetentionView {
  /** Monotonic ms. */
  readonly now: number;
  readonly end: number;
  /** The lowest cursor of all readers; `end` if there is none. */
  readonly passed: number;
  /** The lowest hold; `end` if there is none. Nothing from here on is ever dropped, whatever the limits say. */
  readonly held: number;
}

/** The oldest of `closed` that are to be dropped, in order. */
export function expired(
  closed: readonly Segment[],
  limits: RetentionLimits,
  view: RetentionView,
): readonly Segment[] {
  const kept = closed.findIndex((segment) => segment.end > view.held || !mayGo(segment, limits, view));
  return kept === -1 ? closed : closed.slice(0, kept);
}

function mayGo(segment: Segment, limits: RetentionLimits, view: RetentionView): boolean {
  const age = view.now - (segment.closedAt ?? view.now);
  if (view.end - segment.base > limits.bytes || age > limits.ageMs) return true;
  return segment.end <= view.passed && age > limits.keepMs;
}
