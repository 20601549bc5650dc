/** Many devices that connect and then keep silent, in a process of their own. Owns the sockets. */
import type { Socket } from 'node:net';
import { encodeHello, encodeTelemetry } from '../broker/wire/encode.ts';
import { openSocket } from './load-socket.ts';
import type { IdleRequest } from './messages.ts';
import { answer } from './peer.ts';
import { maskedFrame } from './wire.ts';

/** Connections that are opened at the same time. */
const OPENING = 50;
const READING = { temp: 21.53, hum: 47.25, press: 1013.2, volt: 3.291 };

const sockets: Socket[] = [];

async function connect(port: number, key: string, count: number): Promise<void> {
  const until = sockets.length + count;
  while (sockets.length < until) {
    const first = sockets.length;
    const numbers = Array.from({ length: Math.min(OPENING, until - first) }, (_, index) => first + index);
    const opened = numbers.map((number) =>
      openSocket({
        port,
        key,
        path: `/v1/device?device=idle-${number}`,
        from: `127.0.0.${1 + (number % 250)}`,
      }),
    );
    for (const { socket } of await Promise.all(opened)) {
      socket.on('error', () => socket.destroy());
      socket.resume();
      sockets.push(socket);
    }
  }
}

/** Each device says hello and sends one reading. */
function speak(): void {
  const frames = Buffer.concat([
    maskedFrame(encodeHello({ boot: 1 }), 2),
    maskedFrame(encodeTelemetry(1, null, READING), 2),
  ]);
  for (const socket of sockets) socket.write(frames);
}

answer<IdleRequest>(async (request) => {
  if (request.ask === 'connect') await connect(request.port, request.deviceKey, request.count);
  else if (request.ask === 'speak') speak();
  else for (const socket of sockets) socket.destroy();
  return {};
});
