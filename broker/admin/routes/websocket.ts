/** Plain requests to the addresses that speak WebSocket (P-1.5): 426 with what to do. The edge takes the upgrades. */
import type { Api } from '../api.ts';
import { Refusal } from '../refusal.ts';

const PATHS = {
  '/v1/device': 'Devices open this address as a WebSocket with the subprotocol signalbox.v1.',
  '/v1/live': 'Operators open this address as a WebSocket; see the documentation of the live channel.',
} as const;

export function websocketRoutes(app: Api): void {
  for (const [path, detail] of Object.entries(PATHS)) {
    app.get(path, { schema: { hide: true } }, async (_request, reply) => {
      reply.headers({ upgrade: 'websocket', connection: 'upgrade' });
      throw new Refusal('upgrade-required', detail);
    });
  }
}
