/** A web server that answers as the test says and keeps what it was asked. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ProblemCode, problem } from '../../schemas/problems.ts';

export interface Asked {
  /** `GET /api/v1/devices?limit=1000` */
  readonly line: string;
  readonly authorization: string | undefined;
  readonly ifMatch?: string;
  readonly body: unknown;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a text as it is. */
  readonly body?: unknown;
}

export interface Scripted {
  readonly url: string;
  readonly server: Server;
  readonly asked: Asked[];
}

/** Answers one request after the other; the last answer is given again. */
export async function scripted(...answers: Answer[]): Promise<Scripted> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    asked.push(await asking(request));
    const { status = 200, headers = {}, body } = (answers.length > 1 ? answers.shift() : answers[0]) ?? {};
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, asked };
}

export function refusing(code: ProblemCode, detail: string): Answer {
  const body = problem(code, detail);
  return { status: body.status, headers: { 'Content-Type': 'application/problem+json' }, body };
}

async function asking(request: IncomingMessage): Promise<Asked> {
  let text = '';
  for await (const part of request) text += part;
  const { method, url, headers } = request;
  return {
    line: `${method} ${url}`,
    authorization: headers.authorization,
    ...(headers['if-match'] !== undefined && { ifMatch: headers['if-match'] }),
    body: text === '' ? null : JSON.parse(text),
  };
}
