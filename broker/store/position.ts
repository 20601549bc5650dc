/**
 * Where something stands in the telemetry log. Positions have an order, and nothing else: `<`, `<=` and `===` compare them, and how
 * many bytes lie between two is asked of the log (`TelemetryLog.bytesBetween`). Only the log and the tables of the database, which
 * keep them as numbers, look inside.
 */

declare const inLog: unique symbol;

/** It only grows, also across restarts and after retention. */
export interface Position {
  readonly [inLog]: never;
}

/** Before everything. */
export const START = positionOf(0);

/** From a stored number. */
export function positionOf(stored: number): Position {
  return stored as unknown as Position;
}

/** To be stored or shown. */
export function numberOf(position: Position): number {
  return position as unknown as number;
}

export function later(a: Position, b: Position): Position {
  return a < b ? b : a;
}

/** The earliest of them. */
export function earliest(first: Position, ...others: readonly Position[]): Position {
  let least = first;
  for (const position of others) if (position < least) least = position;
  return least;
}
