/**
 * Puts the HTTP API, health, metrics and the dashboard behind one request handler, which the edge's server calls: it
 * shares its port with the WebSocket upgrades and does not listen itself. Owns whether it runs; before and after, it
 * answers 503.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Problem, problem } from '../../schemas/problems.ts';
import { buildApp } from './app.ts';
import { Metrics } from './metrics.ts';
import type { AdminParts, Api } from './parts.ts';

type AdminState =
  | { readonly name: 'new' | 'starting' | 'stopped' }
  | { readonly name: 'running'; readonly app: Api };

export class AdminServer {
  private readonly parts: AdminParts;
  private readonly metrics = new Metrics();
  private state: AdminState = { name: 'new' };

  constructor(parts: AdminParts) {
    this.parts = parts;
  }

  async start(): Promise<void> {
    if (this.state.name !== 'new') return;
    this.state = { name: 'starting' };
    this.metrics.start();
    this.state = { name: 'running', app: await buildApp(this.parts, this.metrics) };
  }

  /** For the `request` event of a `node:http` or `node:https` server. Answers 503 when it does not run. */
  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.state.name === 'running') this.state.app.routing(request, response);
    else if (this.state.name === 'stopped')
      refuse(response, problem('going-away', 'The broker is shutting down.'));
    else refuse(response, problem('not-ready', 'The broker is starting; try again in a moment.'));
  };

  /** Requests that come from now on get 503. Idempotent. */
  async stop(): Promise<void> {
    const { state } = this;
    this.state = { name: 'stopped' };
    this.metrics.stop();
    if (state.name === 'running') await state.app.close();
  }
}

function refuse(response: ServerResponse, body: Problem): void {
  response.writeHead(body.status, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'retry-after': '5',
    connection: 'close',
  });
  response.end(JSON.stringify(body));
}
