/** Figures of a bridge that has worked a while, each another number. */
import type { BridgeStats } from '../../schemas/api.ts';

export const SOME_BRIDGE: BridgeStats = {
  state: 'connected',
  since: 1_780_000_000_500,
  peer: 'mqtt://127.0.0.1:1883',
  protocol: '5',
  rate: 12.5,
  backlog: { bytes: 651, messages: 652, seconds: 65.3 },
  cursor: 654,
  inFlight: 655,
  sent: 656,
  repeated: 657,
  others: 658,
  dropped: { 'too-big': 659 },
  lostBytes: 660,
  outages: 661,
  crashes: 662,
  commands: { taken: 663, refused: 664 },
  lastError: null,
  lastRefusal: null,
};
