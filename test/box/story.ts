/**
 * The story of a run, for people: what was on the wire, in the log and in the broker's mouth, in words. It follows from what
 * happened and changes nothing. Owns the last lines of it.
 */
import type { Logger } from '../../broker/base/logger.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { decodeItem } from '../../broker/wire/reader.ts';
import type { DurableEntry } from './durable.ts';
import type { World } from './world.ts';

const FRAME_NAMES = new Map<unknown, string>(Object.entries(FRAME).map(([name, kind]) => [kind, name]));
/** By the upper four bits of their first byte. */
const MQTT_PACKETS = ['', 'connect', 'connack', 'publish', 'puback', 'pubrec', 'pubrel', 'pubcomp'].concat([
  'subscribe',
  'suback',
  'unsubscribe',
  'unsuback',
  'pingreq',
  'pingresp',
  'disconnect',
  'auth',
]);
const LONGEST = 400;

/** Keeps so many lines. */
export class LastLines {
  private kept: string[] = [];
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  add(line: string): void {
    this.kept.push(line);
    if (this.kept.length > this.most * 2) this.kept = this.lines;
  }

  get lines(): string[] {
    return this.most === 0 ? [] : this.kept.slice(-this.most);
  }
}

/** A frame of either end: its name and its parts as they stand on the wire. */
export function wordsOfFrame(bytes: Uint8Array): string {
  try {
    const parts = decodeItem(bytes);
    if (!Array.isArray(parts)) return json(parts);
    const [kind, ...rest] = parts;
    return `${FRAME_NAMES.get(kind) ?? `frame ${kind}`} ${json(rest)}`;
  } catch (error) {
    return `${bytes.length} bytes, no frame: ${(error as Error).message}`;
  }
}

/** What a server writes into a WebSocket, before and after the handshake. */
export function wordsOfBroker(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.toString('latin1', 0, 5) === 'HTTP/') {
    const [head = '', body = ''] = buffer.toString('utf8').split('\r\n\r\n');
    return `${head.split('\r\n')[0]} ${body}`.trim();
  }
  const words: string[] = [];
  let at = 0;
  while (at + 2 <= buffer.length) {
    const short = (buffer[at + 1] as number) & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (at + head > buffer.length) break;
    const length =
      short === 126
        ? buffer.readUInt16BE(at + 2)
        : short === 127
          ? Number(buffer.readBigUInt64BE(at + 2))
          : short;
    words.push(wordsOfMessage((buffer[at] as number) & 0x0f, buffer.subarray(at + head, at + head + length)));
    at += head + length;
  }
  return words.join(' + ') || `${bytes.length} bytes`;
}

function wordsOfMessage(opcode: number, data: Buffer): string {
  if (opcode === 1) return cut(data.toString('utf8'));
  if (opcode === 2) return wordsOfFrame(data);
  if (opcode === 8)
    return `close ${data.length >= 2 ? data.readUInt16BE(0) : ''} ${data.toString('utf8', 2)}`;
  if (opcode === 9) return 'ping';
  return opcode === 10 ? 'pong' : `opcode ${opcode}, ${data.length} bytes`;
}

/** The first packet of what an MQTT client writes. */
export function wordsOfMqtt(bytes: Uint8Array): string {
  return `${MQTT_PACKETS[(bytes[0] as number) >> 4]}, ${bytes.length} bytes`;
}

export function wordsOfEntry(entry: DurableEntry): string {
  const { customer, device, session, boot } = entry.source;
  const who = `${customer}/${device} ${session}`;
  if (entry.kind === 'session') return `${who} ${json(entry.event)} at ${entry.position}`;
  const { kind, ...rest } = entry.frame;
  return `${who} ${boot} ${FRAME_NAMES.get(kind)} ${json(rest)} at ${entry.position}`;
}

/** What the broker says, as part of the story. */
export function storyLog(
  world: World,
  who: string,
  failed: (message: string, fields: object) => void,
  inherited: object = {},
): Logger {
  const at = (level: string) => (fields: object, message: string) => {
    world.tell(who, level, () => `${message} ${json({ ...inherited, ...fields })}`);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: (fields, message) => {
      at('error')(fields, message);
      failed(message, fields);
    },
    child: (fields) => storyLog(world, who, failed, { ...inherited, ...fields }),
  };
}

function json(value: unknown): string {
  const text = JSON.stringify(value, (_key, one) => {
    if (typeof one === 'bigint') return `${one}`;
    if (one instanceof Error) return one.message;
    return one instanceof Uint8Array ? Buffer.from(one).toString('hex') : one;
  });
  return cut(text);
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
