/** A raw client socket after its WebSocket handshake. */
import { type NetConnectOpts, type Socket, connect as tcpConnect } from 'node:net';
import { handshake } from './wire.ts';

export interface Address {
  readonly port: number;
  readonly path: string;
  readonly key: string;
  /** The source address; default: the system's choice. */
  readonly from?: string;
}

const END = Buffer.from('\r\n\r\n');

/** Resolves with the socket, paused, and what came after the handshake. Rejects with the answer if it was refused. */
export function openSocket({ port, path, key, from }: Address): Promise<{ socket: Socket; rest: Buffer }> {
  const options: NetConnectOpts = { host: '127.0.0.1', port, noDelay: true };
  if (from !== undefined) options.localAddress = from;
  const socket = tcpConnect(options);
  socket.write(handshake(path, { 'X-API-Key': key }));
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const read = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf(END);
      if (end < 0) return;
      socket.off('data', read);
      socket.off('error', reject);
      socket.pause();
      if (bytes.subarray(9, 12).toString() === '101') resolve({ socket, rest: bytes.subarray(end + 4) });
      else reject(new Error(`the connection was refused: ${bytes}`));
    };
    socket.on('data', read);
    socket.once('error', reject);
  });
}
