/**
 * The MQTT servers of the configuration, taken apart, and the way to one: `dial` opens a byte stream over TCP, TLS or
 * WebSocket. Keeps nothing.
 */
import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createWebSocketStream, WebSocket } from 'ws';

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

export type Dial = (options: DialOptions) => Duplex;

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

export type ServerProtocol = 'mqtt' | 'mqtts' | 'ws' | 'wss';

export interface Server {
  readonly protocol: ServerProtocol;
  readonly host: string;
  readonly port: number;
  /** Of ws and wss. */
  readonly path: string;
  /** From the URL; null: those of the configuration. */
  readonly credentials: { readonly username: string; readonly password: string } | null;
  /** For people and logs, without credentials. */
  readonly name: string;
}

const PORTS: Readonly<Record<ServerProtocol, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };

/** From `mqtt.url`: in the order of the text. Throws RangeError, without credentials, for what is no address. */
export function parseServers(urls: string): Server[] {
  return urls
    .split(/[ ,]+/)
    .filter((text) => text !== '')
    .map(parseServer);
}

function parseServer(text: string, index: number): Server {
  const url = URL.canParse(text) ? new URL(text) : null;
  const protocol = url?.protocol.slice(0, -1);
  if (!url || !isProtocol(protocol) || url.hostname === '') {
    throw new RangeError(
      `server ${index + 1} of mqtt.url is not mqtt://, mqtts://, ws:// or wss:// and a host`,
    );
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? PORTS[protocol] : Number(url.port);
  const path = `${url.pathname || '/'}${url.search}`;
  const credentials =
    url.username === ''
      ? null
      : { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  return { protocol, host, port, path, credentials, name: `${protocol}://${url.hostname}:${port}` };
}

function isProtocol(text: string | undefined): text is ServerProtocol {
  return text !== undefined && text in PORTS;
}
