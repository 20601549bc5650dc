/**
 * What devices that are broken or hostile do on a connection, and how PROTOCOL.md says that it ends: the close code, the error frames before it, and
 * what is acknowledged. Owns the table; `strangers.ts` carries it out.
 */
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { HOSTILE_FRAMES } from '../helpers/hostile-frames.ts';
import type { SeededRandom } from './random.ts';
import type { ClientSocket } from './websocket.ts';

export interface Attacker {
  readonly socket: ClientSocket;
  readonly random: SeededRandom;
  later(milliseconds: number, run: () => void): void;
}

export interface Attack {
  readonly name: string;
  /** With which it is closed; null: it goes on. */
  readonly closes: number | null;
  /** Codes of the error frames that come, in order; null: of any number and kind. */
  readonly errors: readonly string[] | null;
  /** The highest seq that is acknowledged at last; null: of no matter. */
  readonly acknowledges?: number;
  /** Frames without a seq that are durable before that ack. */
  readonly unnumbered?: number;
  /** Numbers that the log must not hold of it. */
  readonly neverStored?: readonly number[];
  /** ms after which it must be as told. */
  readonly within: number;
  readonly answersPings?: false;
  begin(attacker: Attacker): void;
}

const SOON = 10_000;
const SAMPLE = { n: 1 };

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

/** One frame outside the profile (P-2.2) for each error of the table, and its code. */
const MALFORMED: Readonly<Record<string, string>> = {
  'not-an-array': 'a0',
  'indefinite-length': '9f0101f6a0ff',
  'tag-refused': '840101f6a1616ec001',
  'simple-refused': '840101f6a1616ef7',
  'float-not-finite': '840101f6a1616ef97e00',
  'integer-range': '840101f6a1616e1bffffffffffffffff',
  'text-not-utf8': '840101f6a1616e62c328',
  'key-not-text': '840101f6a10101',
  'key-forbidden': '840101f6a1695f5f70726f746f5f5f01',
  'key-repeated': '840101f6a2616e01616e02',
  truncated: '840101f6a1616e',
  'trailing-bytes': '840101f6a000',
  'reserved-bits': '840101f6a1616e1c',
  'too-deep': `840101f6a1616e${'81'.repeat(8)}01`,
};

/** Frames inside the profile that break their layout, and the code of the answer (P-2.3). */
const REFUSED: readonly (readonly [code: string, hex: string])[] = [
  ['unknown-frame', '8118ff'],
  ['bad-telemetry', '8201616e'],
  ['bad-batch', '8402010000'],
  ['bad-seq', '840100f6a1616e01'],
  ['bad-time', '840101616ea1616e01'],
  ['bad-metric', '840101f6a1612001'],
  ['no-fields', '840101f68101'],
  ['bad-result', '8104'],
  ['bad-reported', '8105'],
];

function malformed(): Attack[] {
  return Object.entries(MALFORMED).map(([code, hex]) => ({
    name: `a frame outside the profile: ${code}`,
    closes: 1007,
    errors: [code],
    within: SOON,
    begin: ({ socket }) => socket.send(bytes(hex)),
  }));
}

function costly(): Attack[] {
  return Object.entries(HOSTILE_FRAMES).map(([name, frame]) => ({
    name: `a costly frame: ${name}`,
    closes: 1007,
    errors: null,
    within: SOON,
    begin: ({ socket }) => socket.send(frame),
  }));
}

function refuse(count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => (REFUSED[index % REFUSED.length] as [string, string])[0],
  );
}

function sendRefused({ socket }: Attacker, count: number): void {
  for (let index = 0; index < count; index += 1) {
    socket.send(bytes((REFUSED[index % REFUSED.length] as [string, string])[1]));
  }
}

const telemetry = (seq: number | null, time: number | null = null) => encodeTelemetry(seq, time, SAMPLE);

const OF_THE_SOCKET: readonly Attack[] = [
  {
    name: 'text',
    closes: 1003,
    errors: ['text-message'],
    within: SOON,
    begin: ({ socket }) => socket.sendText('{"temp": 21.5}'),
  },
  {
    name: 'a message of more than 64 KiB',
    closes: 1009,
    errors: [],
    within: SOON,
    begin: ({ socket, random }) => socket.send(new Uint8Array(random.whole(65_537, 70_000))),
  },
  {
    name: 'a flood of pings',
    closes: 4029,
    errors: [],
    within: SOON,
    begin: ({ socket }) => {
      for (let ping = 0; ping < 60; ping += 1) socket.ping();
    },
  },
  {
    name: 'a flood of pongs',
    closes: 4029,
    errors: [],
    within: SOON,
    begin: ({ socket }) => {
      for (let pong = 0; pong < 60; pong += 1) socket.pong();
    },
  },
  {
    name: '20 pings',
    closes: null,
    errors: [],
    acknowledges: 1,
    within: SOON,
    begin: ({ socket }) => {
      for (let ping = 0; ping < 20; ping += 1) socket.ping();
      socket.send(telemetry(1));
    },
  },
  {
    name: 'a message in 129 fragments',
    closes: 4029,
    errors: [],
    within: SOON,
    begin: ({ socket }) => socket.sendPieces(encodeTelemetry(1, null, { text: 'x'.repeat(1000) }), 129),
  },
  {
    name: 'a message in 128 fragments',
    closes: null,
    errors: [],
    acknowledges: 1,
    within: SOON,
    begin: ({ socket }) => socket.sendPieces(encodeTelemetry(1, null, { text: 'x'.repeat(1000) }), 128),
  },
  {
    name: 'a frame that is not masked',
    closes: 1002,
    errors: [],
    within: SOON,
    begin: ({ socket }) => socket.sendRaw(bytes('8201a0')),
  },
  {
    name: 'silence, pings not answered',
    closes: 4008,
    errors: [],
    within: 80_000,
    answersPings: false,
    begin: () => {},
  },
  {
    name: 'half a frame and then silence',
    closes: 4008,
    errors: [],
    within: 80_000,
    answersPings: false,
    begin: ({ socket }) => socket.sendRaw(bytes('82ff000000000000ea6001020304aabbcc')),
  },
];

const OF_FRAMES: readonly Attack[] = [
  {
    name: '11 refused frames in a minute',
    closes: 4400,
    errors: refuse(11),
    within: SOON,
    begin: (attacker) => sendRefused(attacker, 11),
  },
  {
    name: '10 refused frames in a minute, one more in the next',
    closes: null,
    errors: refuse(11),
    acknowledges: 1,
    within: 80_000,
    begin: (attacker) => {
      sendRefused(attacker, 10);
      attacker.later(61_000, () =>
        attacker.socket.send(bytes((REFUSED[10 % REFUSED.length] as [string, string])[1])),
      );
      attacker.later(61_000, () => attacker.socket.send(telemetry(1)));
    },
  },
  {
    name: 'hello after another frame',
    closes: null,
    errors: ['hello-not-first'],
    acknowledges: 1,
    within: SOON,
    begin: ({ socket }) => {
      socket.send(telemetry(1));
      socket.send(encodeHello({ boot: 1 }));
    },
  },
  {
    name: 'a hello that breaks its schema, then a right one',
    closes: null,
    errors: ['bad-hello'],
    within: SOON,
    begin: ({ socket, random }) => {
      socket.send(bytes('8200a164626f6f7420'));
      socket.send(encodeHello({ boot: random.whole(1, 2 ** 50) }));
    },
  },
  {
    name: 'frames without a boot',
    closes: null,
    errors: [],
    acknowledges: 5,
    within: SOON,
    begin: ({ socket }) => {
      for (let seq = 1; seq <= 5; seq += 1) socket.send(telemetry(seq));
    },
  },
  {
    name: 'numbers out of order',
    closes: null,
    errors: [],
    acknowledges: 7,
    neverStored: [3, 4],
    within: SOON,
    begin: ({ socket, random }) => {
      socket.send(encodeHello({ boot: random.whole(1, 2 ** 50) }));
      for (const seq of [2, 5, 5, 3, 4, 5, 7, 5]) socket.send(telemetry(seq));
    },
  },
  {
    name: 'frames without a number',
    closes: null,
    errors: [],
    acknowledges: 1,
    unnumbered: 3,
    within: SOON,
    begin: ({ socket }) => {
      for (let frame = 0; frame < 3; frame += 1) socket.send(telemetry(null));
      socket.send(telemetry(1));
    },
  },
  {
    name: 'a clock that is not set',
    closes: null,
    errors: ['clock-unset'],
    acknowledges: 2,
    within: SOON,
    begin: ({ socket }) => {
      socket.send(telemetry(1, 1000));
      socket.send(telemetry(2, 2000));
    },
  },
  {
    name: 'a device that does not read for a while',
    closes: null,
    errors: [],
    acknowledges: 400,
    within: 60_000,
    begin: ({ socket, random, later }) => {
      socket.pause();
      socket.send(encodeHello({ boot: random.whole(1, 2 ** 50), ackWithin: 0 }));
      for (let seq = 1; seq <= 400; seq += 1) later(seq * 20, () => socket.send(telemetry(seq)));
      later(20_000, () => socket.resume());
    },
  },
];

export const ATTACKS: readonly Attack[] = [...OF_THE_SOCKET, ...malformed(), ...costly(), ...OF_FRAMES];
