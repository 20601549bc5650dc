/** Follows one topic of the live channel (docs/live.md), and connects again after a lost connection. */
import type { IncomingMessage } from 'node:http';
import WebSocket from 'ws';
import { ApiRefusal } from '../../schemas/api/client.ts';
import type { ServerMessage } from '../../schemas/live.ts';
import { Backoff, type BackoffOptions } from '../base/backoff.ts';
import { type BrokerAddress, explanation, unreachable } from './http.ts';
import { CliError, printable } from './output.ts';
import { pause } from './waiting.ts';

/** Stats come every second, so a connection that is silent for so long is dead; ms. */
const SILENCE = 15_000;
const KEY_ENDED = 4003;
/** Refusals that another try may not meet. */
const PASSING = new Set([429, 500, 502, 503, 504]);

/** Between tries to connect again: up to half a minute, with full jitter; ms. */
const WAITS: BackoffOptions = { first: 1000, most: 30_000, least: () => 0, random: () => Math.random() };

/** Another try may work. */
class Lost extends CliError {}

export interface Follower {
  message(message: ServerMessage): void;
  /** The connection is lost, for this reason; resolves when it is time for the next try, after `wait` ms. */
  lost(reason: string, wait: number): Promise<void>;
}

/**
 * Resolves when `signal` says so and not before: rejects with CliError when the first connection fails, or when trying
 * again is no use.
 */
export async function followTopic(
  connection: BrokerAddress,
  topic: string,
  follower: Follower,
  signal?: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(WAITS);
  let state: 'first try' | 'followed' = 'first try';
  const message = (received: ServerMessage): void => {
    state = 'followed';
    backoff.reset();
    follower.message(received);
  };
  while (!signal?.aborted) {
    try {
      await follow(connection, topic, message, signal);
    } catch (error) {
      if (signal?.aborted) return;
      if (!(error instanceof Lost) || state === 'first try') throw error;
      await follower.lost(error.message, backoff.next());
    }
  }
}

/** Says why, and waits for so long until the next try; ms. */
export async function waitAgain(reason: string, wait: number, signal?: AbortSignal): Promise<void> {
  console.error(`${reason} Trying again in ${(wait / 1000).toFixed(1)} s.`);
  await pause(wait, signal);
}

/** One connection; always rejects in the end, with `Lost` if it is worth another try. */
function follow(
  connection: BrokerAddress,
  topic: string,
  message: Follower['message'],
  signal?: AbortSignal,
): Promise<never> {
  const socket = new WebSocket(`${connection.url.replace(/^http/, 'ws')}/v1/live`, {
    headers: { Authorization: `Bearer ${connection.key}` },
    handshakeTimeout: SILENCE,
  });
  const end = () => socket.terminate();
  const silence = setTimeout(end, SILENCE);
  signal?.addEventListener('abort', end);
  const ended = new Promise<never>((_resolve, reject) => {
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', id: 1, topic })));
    socket.on('message', (data) => {
      silence.refresh();
      const received = JSON.parse(String(data)) as ServerMessage;
      if (received.type === 'error' && received.id === 1) {
        reject(new CliError(`${topic}: ${printable(received.message)}`));
        socket.close();
      } else message(received);
    });
    socket.on('unexpected-response', (_request, response) => {
      refusal(response, connection)
        .then(reject, reject)
        .finally(() => socket.terminate());
    });
    socket.on('error', (error) => reject(new Lost(unreachable(connection, error.message))));
    socket.on('close', (code, reason) => reject(closed(code, reason.toString())));
  });
  return ended.finally(() => {
    clearTimeout(silence);
    signal?.removeEventListener('abort', end);
  });
}

async function refusal(response: IncomingMessage, connection: BrokerAddress): Promise<CliError> {
  const status = response.statusCode ?? 0;
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  const refused = new ApiRefusal(status, text, response.headers.location ?? null);
  const sentence = explanation(refused, connection);
  return PASSING.has(status) ? new Lost(sentence) : new CliError(sentence);
}

function closed(code: number, reason: string): CliError {
  const why = reason === '' ? '.' : `: ${printable(reason)}`;
  if (code === KEY_ENDED) return new CliError(`The broker ended the connection${why}`);
  return new Lost(`The connection was lost (${code})${why}`);
}
