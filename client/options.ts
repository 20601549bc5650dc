/**
 * The options of a client, and what is made of them: the address and the key that it connects with (P-1.1 to P-1.4), and
 * its first frame (P-3.2).
 */
import type { Clock, Random } from '../broker/base/clock.ts';
import { encodeHello } from '../broker/wire/encode.ts';
import type { ValueMap } from '../broker/wire/frames.ts';
import { FrameReader } from '../broker/wire/reader.ts';
import { ID } from '../schemas/names.ts';
import type { FullPolicy } from './outbox.ts';
import type { BootName } from './outbox-file.ts';

export interface DeviceClientOptions {
  /** `ws://host:8080`, or with wss, http or https; `/v1/device` is added if it is missing. */
  readonly url: string;
  readonly key: string;
  /** Needed with a fleet key (P-1.3). */
  readonly device?: string;
  /** One run of the device (P-3.2); default: 16 random bytes. An outbox file's boot goes before it. */
  readonly boot?: BootName;
  /** Metrics of positional values, in their order (P-2.4). */
  readonly fields?: readonly string[];
  readonly model?: string;
  readonly firmware?: string;
  /** How long an acknowledgement may wait so that it covers more frames; ms, 0 to 10,000 (P-4.2). */
  readonly ackWithin?: number;
  /** The largest frame that this device can take, bytes, at least 256; larger commands never come (P-3.2). */
  readonly maxFrame?: number;
  readonly meta?: ValueMap;
  readonly outbox?: {
    /** Default 8 MiB, frames and their keeping. */
    readonly bytes?: number;
    /** Default `refuse`: `send` throws OutboxFull. `drop-oldest`: the oldest make room, told by `dropped`. */
    readonly whenFull?: FullPolicy;
    /** Frames survive a restart here, as the same boot; one process at a time. Its folder must exist. */
    readonly file?: string;
  };
  readonly commands?: {
    /** Ids survive a restart here, so that no command is executed twice; one process at a time. Its folder must exist. */
    readonly file?: string;
    /** How many ids are remembered; default 1,000, at least 200. */
    readonly remember?: number;
    /** How many handlers may run at once; default 1: one after the other, in the order in which commands came. */
    readonly concurrency?: number;
  };
  /** Should not jump when the machine's clock is set; default: `systemClock`. */
  readonly clock?: Clock;
  readonly random?: Random;
  readonly webSocket?: WebSocketOptions;
}

type Pem = string | Uint8Array;

/** Of the handshake: what ws, `tls.connect` and `http.request` take. */
export interface WebSocketOptions {
  /** Whom to trust in place of the well-known authorities. */
  readonly ca?: Pem | Pem[];
  /** What to show to a proxy that asks for a certificate. */
  readonly cert?: Pem | Pem[];
  readonly key?: Pem | Pem[];
  readonly passphrase?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
  /** An `http.Agent` or `https.Agent`, such as one that goes through a proxy. */
  readonly agent?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly localAddress?: string;
  /** 4 or 6. */
  readonly family?: number;
  /** ms */
  readonly handshakeTimeout?: number;
}

const ID_PATTERN = new RegExp(`^${ID}$`);
const PATH = '/v1/device';
const SCHEMES: Readonly<Record<string, string>> = {
  'http:': 'ws:',
  'https:': 'wss:',
  'ws:': 'ws:',
  'wss:': 'wss:',
};

/** `http://host:8080` or `wss://host/base` → the device endpoint. Throws TypeError for what cannot be one. */
export function deviceAddress(url: string, device: string | undefined): string {
  if (!URL.canParse(url)) throw new TypeError(`"${url}" is not a URL, such as ws://127.0.0.1:8080.`);
  const address = new URL(url);
  const scheme = SCHEMES[address.protocol];
  if (scheme === undefined)
    throw new TypeError(`"${url}" must begin with ws://, wss://, http:// or https://.`);
  if (address.searchParams.has('key'))
    throw new TypeError('Give the key as `key`; in the URL it reaches logs (P-1.2).');
  address.protocol = scheme;
  address.hash = '';
  if (!address.pathname.endsWith(PATH)) address.pathname = address.pathname.replace(/\/*$/, PATH);
  if (device !== undefined) address.searchParams.set('device', checkedDevice(device));
  return address.href;
}

function checkedDevice(device: string): string {
  if (ID_PATTERN.test(device)) return device;
  throw new TypeError(`The device id ${JSON.stringify(device)} does not match ${ID_PATTERN.source} (P-1.4).`);
}

/** Throws TypeError for a key that no header can carry; the key itself is not repeated. */
export function authorization(key: string): { readonly Authorization: string } {
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new TypeError('The key is empty or holds characters that no key has.');
  return { Authorization: `Bearer ${key}` };
}

/**
 * Says which run of which device this is. Throws FrameError for options that the broker would refuse: without its answer
 * to a hello a device would never come further than the greeting.
 */
export function helloFrame({
  boot,
  fields,
  model,
  firmware,
  ackWithin,
  maxFrame,
  meta,
}: Partial<DeviceClientOptions>): Uint8Array {
  const given = Object.entries({ boot, fields, model, firmware, ackWithin, maxFrame, meta });
  const bytes = encodeHello(Object.fromEntries(given.filter(([, value]) => value !== undefined)));
  new FrameReader().read(bytes);
  return bytes;
}
