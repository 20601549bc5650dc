/** A live channel that says what the test says. */
import type { IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ServerMessage } from '../../schemas/live.ts';
import { type Answer, type Asked, scripted } from './scripted.ts';

/** Distributes over the kinds of message. */
type Said = ServerMessage extends infer Message
  ? Message extends unknown
    ? Omit<Message, 'rev'>
    : never
  : never;

export interface Viewer {
  readonly request: IncomingMessage;
  readonly socket: WebSocket;
  /** What it has asked for first. */
  readonly asked: unknown;
  say(...messages: Said[]): void;
}

export interface LiveBroker {
  readonly url: string;
  /** What it was asked over HTTP. */
  readonly asked: readonly Asked[];
  /** The next one that connects and subscribes. */
  next(): Promise<Viewer>;
}

/** `answers`: what it says over HTTP, one after the other. */
export async function liveBroker(...answers: Answer[]): Promise<LiveBroker> {
  const { url, server, asked } = await scripted(...(answers.length > 0 ? answers : [{ status: 404 }]));
  const sockets = new WebSocketServer({ server, path: '/v1/live' });
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
  });
  const come: Viewer[] = [];
  const waiting: ((viewer: Viewer) => void)[] = [];
  sockets.on('connection', (socket, request) => {
    socket.once('message', (data) => {
      const viewer = { request, socket, asked: JSON.parse(String(data)), say: sayer(socket) };
      const first = waiting.shift();
      if (first) first(viewer);
      else come.push(viewer);
    });
  });
  const next = (): Promise<Viewer> => {
    const viewer = come.shift();
    return viewer ? Promise.resolve(viewer) : new Promise((resolve) => waiting.push(resolve));
  };
  return { url, asked, next };
}

function sayer(socket: WebSocket): Viewer['say'] {
  return (...messages) => {
    for (const message of messages) socket.send(JSON.stringify({ rev: 1, ...message }));
  };
}
