/**
 * Decides when an HTTP request is handled: one of a connection at a time, and among connections one in a turn of the
 * event loop, customers in turn. Owns the requests that wait, and the count of answers on their way by key.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { bump, type Holder } from './shares.ts';

/** Requests that may wait on one connection; with more it is closed. */
const LONGEST = 64;

export interface RequestQueueParts {
  readonly handle: RequestListener;
  readonly turns: RequestTurns;
  /** Whose key or login the request shows; empty: nobody's. */
  readonly holderOf: (request: IncomingMessage) => Holder;
}

/**
 * One request of a connection at a time: those that a client sends ahead (pipelining) wait unhandled. Node would hand
 * over hundreds at once, each could open a file or ask the store, and a connection that then closed would leave the
 * files of the unanswered ones open. Owns the queues, by socket.
 */
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

/** A request that took no longer is not worth a pause; ms. */
const CHEAP = 1;

/** Answers of one key; the largest are some MiB. */
const ON_THEIR_WAY = 32;

/** Handles a request; `answered` is to be called once, when the answer has gone or nobody waits for it. */
type StartRequest = (answered: () => void) => void;

interface WaitingRequest {
  readonly key: string;
  readonly run: StartRequest;
}

/**
 * Time for HTTP: one request in a turn of the event loop, customers in turn, and after a dear one as long a pause as it
 * took. However many a customer asks for at once, devices and everybody else get at least half of the time. A key has
 * so many answers on their way at most, for one that nobody reads stays in memory.
 */
export class RequestTurns {
  private readonly clock: Pick<Clock, 'monotonic' | 'after' | 'soon'>;
  /** By customer; the first is next. */
  private readonly waiting = new Map<string, WaitingRequest[]>();
  private readonly onTheirWay = new Map<string, number>();
  private state: 'idle' | 'turn' | 'pause' = 'idle';

  constructor(clock: Pick<Clock, 'monotonic' | 'after' | 'soon'>) {
    this.clock = clock;
  }

  /** Calls back in this customer's turn: soon, if nobody else asks. An empty key is nobody's. */
  add({ customer, key }: Holder, run: StartRequest): void {
    const ofCustomer = this.waiting.get(customer);
    if (ofCustomer) ofCustomer.push({ key, run });
    else this.waiting.set(customer, [{ key, run }]);
    if (this.state === 'idle') this.begin();
  }

  private begin(): void {
    this.state = 'turn';
    let startedAt = 0;
    let started = false;
    this.clock.soon(() => {
      startedAt = this.clock.monotonic();
      started = this.startNext();
    });
    // Between the two the promises of the first have run, and so most of what the request took.
    this.clock.soon(() => {
      if (started) this.pauseFor(this.clock.monotonic() - startedAt);
      else this.rest();
    });
  }

  private pauseFor(took: number): void {
    if (took <= CHEAP) {
      this.begin();
      return;
    }
    this.state = 'pause';
    this.clock.after(took, () => this.begin());
  }

  private rest(): void {
    this.state = 'idle';
    const canStart = [...this.waiting.values()].some((ofCustomer) =>
      ofCustomer.some((one) => this.mayStart(one)),
    );
    if (canStart) this.begin();
  }

  private startNext(): boolean {
    for (const [customer, ofCustomer] of this.waiting) {
      const index = ofCustomer.findIndex((one) => this.mayStart(one));
      if (index < 0) continue;
      const [{ key, run }] = ofCustomer.splice(index, 1) as [WaitingRequest];
      this.waiting.delete(customer);
      if (ofCustomer.length > 0) this.waiting.set(customer, ofCustomer);
      bump(this.onTheirWay, key, 1);
      run(() => this.answered(key));
      return true;
    }
    return false;
  }

  private answered(key: string): void {
    bump(this.onTheirWay, key, -1);
    if (this.state === 'idle' && this.waiting.size > 0) this.begin();
  }

  private mayStart({ key }: WaitingRequest): boolean {
    return key === '' || (this.onTheirWay.get(key) ?? 0) < ON_THEIR_WAY;
  }
}
