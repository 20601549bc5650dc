/**
 * Counts what the broker has done since it started: plain numbers that only rise, raised where things happen, read by
 * `/metrics` and stats.
 */
export class Counters {
  /** Valid frames of devices, by what became of them. */
  framesAccepted = 0;
  framesRepeated = 0;
  samples = 0;
  events = 0;
  bytesReceived = 0;
  commits = 0;
  framesCommitted = 0;
  bytesCommitted = 0;
  acks = 0;
  connectionsOpened = 0;
  takeovers = 0;
  viewersOpened = 0;
  /** Pauses of sockets: by the device's rate, the turn's budget, or a full batch. */
  readonly pauses = { rate: 0, turn: 0, batch: 0 };
  /** Refused before the upgrade, by problem code. */
  readonly refusals = new Map<string, number>();
  /** Error frames sent, by error code. */
  readonly frameErrors = new Map<string, number>();
  /** Device connections ended, by reason. */
  readonly closes = new Map<string, number>();
  /** Steps that commands have taken, by status (P-5.1). */
  readonly commandSteps = new Map<string, number>();
  /** Live updates that a slow viewer got merged instead of one by one, and viewers closed for it. */
  viewerSkips = 0;
  viewersClosedSlow = 0;
}

/** Counts one more under `name`. */
export function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
