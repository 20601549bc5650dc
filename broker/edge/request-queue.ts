/**
 * One request of a connection at a time: those that a client sends ahead (pipelining) wait unhandled. Node would hand
 * over hundreds at once, each could open a file or ask the store, and a connection that then closed would leave the
 * files of the unanswered ones open. Owns the queues, by socket.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestTurns } from './request-turns.ts';
import type { Holder } from './shares.ts';

/** Requests that may wait on one connection; with more it is closed. */
const LONGEST = 64;

export interface RequestQueueParts {
  readonly handle: RequestListener;
  readonly turns: RequestTurns;
  /** Whose key or login the request shows; empty: nobody's. */
  readonly holderOf: (request: IncomingMessage) => Holder;
}

export class RequestQueue {
  private readonly parts: RequestQueueParts;
  /** There while a request is handled. */
  private readonly waiting = new WeakMap<Socket, [IncomingMessage, ServerResponse][]>();

  constructor(parts: RequestQueueParts) {
    this.parts = parts;
  }

  add(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const queue = this.waiting.get(socket);
    if (!queue) {
      this.waiting.set(socket, []);
      this.run(request, response);
    } else if (queue.length < LONGEST) {
      queue.push([request, response]);
    } else {
      socket.destroy();
    }
  }

  private run(request: IncomingMessage, response: ServerResponse): void {
    const { handle, turns, holderOf } = this.parts;
    response.once('close', () => this.next(request.socket));
    turns.add(holderOf(request), (answered) => {
      if (request.socket.destroyed) {
        answered();
        return;
      }
      response.once('close', answered);
      handle(request, response as Parameters<RequestListener>[1]);
    });
  }

  private next(socket: Socket): void {
    const next = this.waiting.get(socket)?.shift();
    if (!next) this.waiting.delete(socket);
    else if (!socket.destroyed) this.run(...next);
  }
}
