/** The built broker as a process of its own, for tests that kill it, trace it or starve it. Needs a build in dist. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './temporary.ts';

const MAIN = join(import.meta.dirname, '../../dist/broker/cli/main.js');

export interface ProcessOptions {
  /** Default: a new temporary folder. */
  readonly data?: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Settings as variables (docs/configuration.md); nothing of the tests' own environment but PATH is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the broker in its own place, such as `prlimit --fsize=65536`. */
  readonly launcher?: readonly string[];
}

export interface LogLine {
  readonly level: number;
  readonly time: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

interface Waiting {
  readonly message: string;
  readonly resolve: (line: LogLine) => void;
  readonly reject: (error: Error) => void;
}

export class BrokerProcess {
  readonly data: string;
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** What it logged so far. */
  readonly log: LogLine[] = [];
  /** Its exit code; null: ended by a signal. */
  readonly exited: Promise<number | null>;
  url = '';
  private errors = '';
  private readonly waiting: Waiting[] = [];

  constructor({ data = temporaryFolder(), port = 0, env = {}, launcher = [] }: ProcessOptions) {
    this.data = data;
    const serve = [MAIN, 'serve', '--data', data, '--host', '127.0.0.1', '--port', String(port)];
    const [program = process.execPath, ...args] = [...launcher, process.execPath, ...serve];
    const environment = { PATH: process.env.PATH, ...env };
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    this.child.stderr.on('data', (text) => {
      this.errors += text;
    });
    const lines = createInterface({ input: this.child.stdout });
    lines.on('line', (line) => this.take(JSON.parse(line) as LogLine));
    lines.on('close', () => this.ended());
    this.exited = once(this.child, 'exit').then(([code]) => code as number | null);
  }

  get adminKey(): string {
    return readFileSync(join(this.data, 'admin.key'), 'utf8').trim();
  }

  /** Waits for a line of the log; rejects with all of it if the process ends before. */
  logged(message: string): Promise<LogLine> {
    const known = this.log.find(({ msg }) => msg === message);
    if (known) return Promise.resolve(known);
    return new Promise((resolve, reject) => this.waiting.push({ message, resolve, reject }));
  }

  /** At once, without a word to anybody. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** As an operator stops it; the exit code. */
  stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.exited;
  }

  /** Asks the HTTP API as admin; the parsed body. Throws for anything but 200 and 201. */
  async api<Body>(path: string, body?: object): Promise<Body> {
    const headers = { Authorization: `Bearer ${this.adminKey}`, 'Content-Type': 'application/json' };
    const post = body ? { method: 'POST', body: JSON.stringify(body) } : {};
    const response = await fetch(`${this.url}/api/v1${path}`, { headers, ...post });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Body;
  }

  /** A new device key: of the whole fleet of `customer`, or of one device. */
  async deviceKey(customer: string, device?: string): Promise<string> {
    const request = { customer, role: 'device', ...(device ? { device } : {}) };
    return (await this.api<{ key: string }>('/keys', request)).key;
  }

  private take(line: LogLine): void {
    this.log.push(line);
    for (const { message, resolve } of this.waiting) if (message === line.msg) resolve(line);
  }

  private ended(): void {
    const said = this.log.map(({ msg }) => msg).join('\n');
    for (const { message, reject } of this.waiting) {
      reject(new Error(`the broker ended without "${message}":\n${said}\n${this.errors}`));
    }
  }
}

/** Started and listening; killed when the test is over, if it still runs. */
export async function startProcess(options: ProcessOptions = {}): Promise<BrokerProcess> {
  const broker = new BrokerProcess(options);
  onTestFinished(() => void broker.child.kill('SIGKILL'));
  const { url } = await broker.logged('listening');
  broker.url = url as string;
  return broker;
}
