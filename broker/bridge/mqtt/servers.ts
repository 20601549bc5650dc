/** The MQTT servers of the configuration, taken apart. Pure. */

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
