/** What a device client is made of, and the outbox that its options ask for. */
import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '../broker/base/clock.ts';
import type { ValueMap } from '../broker/wire/frames.ts';
import { type FullPolicy, Outbox } from './outbox.ts';
import { type BootName, Journal } from './outbox-file.ts';

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

export interface OpenOutbox {
  readonly outbox: Outbox;
  readonly journal: Journal | null;
  readonly boot: BootName;
  /** Sequences start above this one. */
  readonly seq: number;
  /** Seqs of frames that could not be kept. */
  readonly lost: readonly number[];
}

const DEFAULT_BYTES = 8 * 1024 * 1024;

/** Throws if the file cannot be used. */
export function openOutbox(
  { outbox = {}, boot, fields }: DeviceClientOptions,
  clock: Clock,
  onFault: (error: Error) => void,
): OpenOutbox {
  const limits = { bytes: outbox.bytes ?? DEFAULT_BYTES, whenFull: outbox.whenFull ?? 'refuse' };
  const newBoot = boot ?? new Uint8Array(randomBytes(16));
  if (outbox.file === undefined) {
    return { outbox: new Outbox(limits, null), journal: null, boot: newBoot, seq: 0, lost: [] };
  }
  const journal = new Journal({ path: outbox.file, boot: newBoot, fields, clock, onFault });
  const { restored, seq, lost } = journal;
  return { outbox: new Outbox(limits, journal, restored), journal, boot: journal.boot, seq, lost };
}
