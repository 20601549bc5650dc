/**
 * Runs the broker under strace and reads from the trace what happened in which order: a frame was synced to the log,
 * an ack was written to a socket. strace stops every thread at each call, so the lines are in the order of events.
 */
import { readFileSync } from 'node:fs';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { eventually } from './eventually.ts';

export type TraceEvent =
  /** An fdatasync of the log came back; `marks`: those in what had been written before it began. */
  | { readonly what: 'synced'; readonly marks: readonly number[] }
  | { readonly what: 'acknowledging'; readonly seq: number };

/** A text for a frame's values by which the trace finds the frame in the log's bytes. */
export const mark = (number: number) => `mark ${number};`;

/** A launcher for `startProcess`; the broker stays its direct child (-D), so that signals and exit codes are its own. */
export function straceTo(file: string): string[] {
  const calls = 'fdatasync,fsync,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg';
  return ['strace', '-D', '-f', '-yy', '-x', '-s', '1000000', '-e', `trace=${calls}`, '-o', file];
}

/** Everything until the broker's exit, which strace notes last. */
export async function readTrace(file: string, broker: number): Promise<TraceEvent[]> {
  // Short ids are padded.
  const end = new RegExp(`^${broker} +\\+{3} exited with`, 'm');
  const lines = await eventually(() => {
    const text = readFileSync(file, 'utf8');
    if (!end.test(text)) throw new Error('strace is still writing');
    return text.split('\n');
  });
  return [...events(lines)];
}

/** `thread call(args` for a call's beginning, `thread <... call resumed>` for the end of one that was interrupted. */
const LINE = /^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$/;
const LOG_FILE = /^\d+<[^>]*\.log>/;
const TCP = /^\d+<TCP/;

function* events(lines: readonly string[]): Generator<TraceEvent> {
  let written: number[] = [];
  /** What a sync that has begun will make durable, by thread. */
  const syncing = new Map<string, number[]>();
  for (const line of lines) {
    const [, thread = '', resumed, begun, rest = ''] = LINE.exec(line) ?? [];
    const call = begun ?? resumed;
    if (begun && LOG_FILE.test(rest)) {
      if (call === 'fdatasync') syncing.set(thread, written.splice(0));
      else written = [...written, ...marksIn(bytesOf(rest))];
    }
    if (call === 'fdatasync' && rest.endsWith(' = 0')) {
      yield { what: 'synced', marks: syncing.get(thread) ?? [] };
      syncing.delete(thread);
    }
    if (begun && TCP.test(rest)) yield* acksIn(bytesOf(rest));
  }
}

/** The binary strings of a line, which -x writes as \x.. throughout. */
function bytesOf(args: string): Buffer {
  return Buffer.from(args.match(/(?<=\\x)[0-9a-f]{2}/g)?.join('') ?? '', 'hex');
}

function marksIn(bytes: Buffer): number[] {
  return [...bytes.toString('latin1').matchAll(/mark (\d+);/g)].map(([, number]) => Number(number));
}

/** The acks among the WebSocket frames of one write. */
function* acksIn(bytes: Buffer): Generator<TraceEvent> {
  let at = 0;
  while (bytes[at] === 0x82) {
    const short = (bytes[at + 1] as number) < 126;
    const start = at + (short ? 2 : 4);
    const end = start + (short ? (bytes[at + 1] as number) : bytes.readUInt16BE(at + 2));
    const frame = parseBrokerFrame(bytes.subarray(start, end));
    if (frame?.kind === FRAME.ack) yield { what: 'acknowledging', seq: frame.seq };
    at = end;
  }
}
