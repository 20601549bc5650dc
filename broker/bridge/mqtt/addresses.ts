/**
 * Reads the addresses of `mqtt.url`, of which one at a time is connected (session.ts fails over), and dials one: `dial`
 * opens a byte stream over TCP, TLS or WebSocket. Keeps no state.
 */
import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createWebSocketStream, WebSocket } from 'ws';

/** PEM files; empty: none. They are read at each attempt, so that a renewed certificate is used. */
export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface DialOptions {
  readonly address: ServerAddress;
  readonly tls: TlsFiles;
  /** The largest WebSocket message that is taken. */
  readonly messageBytes: number;
}

export type Dial = (options: DialOptions) => Duplex;

/** Throws when a file cannot be read; any other failure is an `error` of the stream. */
export function dial({ address, tls, messageBytes }: DialOptions): Duplex {
  const { protocol, host, port, path } = address;
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

export type AddressProtocol = 'mqtt' | 'mqtts' | 'ws' | 'wss';

/** Where one MQTT server is reached. */
export interface ServerAddress {
  readonly protocol: AddressProtocol;
  readonly host: string;
  readonly port: number;
  /** Of ws and wss. */
  readonly path: string;
  /** From the URL; null: those of the configuration. */
  readonly credentials: { readonly username: string; readonly password: string } | null;
  /** For people and logs, without credentials. */
  readonly name: string;
}

const PORTS: Readonly<Record<AddressProtocol, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };

/** The addresses of `mqtt.url`, in its order. Throws RangeError, without credentials, for what is no address. */
export function parseAddresses(urls: string): ServerAddress[] {
  return urls
    .split(/[ ,]+/)
    .filter((text) => text !== '')
    .map(parseAddress);
}

function parseAddress(text: string, index: number): ServerAddress {
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

function isProtocol(text: string | undefined): text is AddressProtocol {
  return text !== undefined && text in PORTS;
}
