/** Opens the byte stream to an MQTT server: TCP, TLS or WebSocket. Keeps nothing. */
import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createWebSocketStream, WebSocket } from 'ws';
import type { Server } from './servers.ts';

/** PEM files; empty: none. Read at each attempt, so that a renewed certificate is used. */
export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface DialOptions {
  readonly server: Server;
  readonly tls: TlsFiles;
  /** The largest WebSocket message that is taken. */
  readonly messageBytes: number;
}

/** Throws on a file that cannot be read; everything else comes as the stream's `error`. */
export function dial({ server, tls, messageBytes }: DialOptions): Duplex {
  const { protocol, host, port, path } = server;
  if (protocol === 'mqtt') return connectTcp({ host, port, noDelay: true });
  const secure = protocol === 'ws' ? {} : certificates(tls);
  if (protocol === 'mqtts') {
    return connectTls({ host, port, ...secure, ...(isIP(host) === 0 ? { servername: host } : {}) });
  }
  const name = isIP(host) === 6 ? `[${host}]` : host;
  const socket = new WebSocket(`${protocol}://${name}:${port}${path}`, ['mqtt'], {
    ...secure,
    maxPayload: messageBytes,
    perMessageDeflate: false,
  });
  return createWebSocketStream(socket);
}

function certificates({ caFile, certFile, keyFile }: TlsFiles): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(caFile !== '' && { ca: readFileSync(caFile) }),
    ...(certFile !== '' && { cert: readFileSync(certFile) }),
    ...(keyFile !== '' && { key: readFileSync(keyFile) }),
  };
}
