/** Figures of a broker that has worked a while, each another number, so that a mix-up shows. */
import type { Stats } from '../../schemas/api.ts';
import { SOME_BRIDGE } from '../helpers/some-bridge.ts';

export function someStats(devices: { total: number; online: number; neverSeen?: number }): Stats {
  return {
    at: 1_780_000_060_000,
    version: '1.2.3',
    startedAt: 1_780_000_000_000,
    uptimeSeconds: 60,
    devices: { neverSeen: 0, ...devices },
    broker: {
      viewers: 3,
      rates: { frames: 10.5, samples: 42, bytes: 735, commits: 5.1, acks: 9.9 },
      totals: {
        frames: 101,
        repeated: 102,
        samples: 103,
        events: 104,
        bytes: 105,
        commits: 106,
        acks: 107,
        connections: 108,
        takeovers: 109,
        viewers: 110,
        viewerSkips: 111,
        viewersClosedSlow: 112,
      },
      pauses: { rate: 201, turn: 202, batch: 203 },
      refusals: { unauthorized: 301, 'too-many-handshakes': 302 },
      frameErrors: { 'bad-batch': 401 },
      closes: { replaced: 501, 'no-heartbeat': 502 },
      commands: { waiting: 551, steps: { queued: 552, done: 553 } },
      bridge: SOME_BRIDGE,
      log: { bytes: 601, segments: 602, first: 603, end: 604, waitingFrames: 605, lost: { mqtt: 606 } },
      storesWaiting: { log: 0, database: 651 },
      memory: { residentBytes: 701, heapBytes: 702, externalBytes: 703 },
      eventLoopDelay: { p50: 0.1, p99: 0.8, max: 8.1 },
    },
  };
}
