/** The yardstick: a bare ws server that counts messages and does nothing else. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { type BenchServer, serveMarks } from './server-marks.ts';

async function start(): Promise<BenchServer> {
  let messages = 0;
  let connections = 0;
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    maxPayload: 65536,
  });
  server.on('connection', (socket) => {
    connections += 1;
    socket.on('message', () => {
      messages += 1;
    });
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    deviceKey: '-',
    quietKey: '-',
    viewerKey: '-',
    // Each connection's first is its hello, which the broker does not count either.
    frames: () => messages - connections,
    logBytes: () => 0,
    viewers: () => ({ skips: 0, closed: 0 }),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

serveMarks(start());
