/**
 * Runs a process of the benchmark, pinned to one core, that answers one request at a time; and `answer`, the other end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

export class Peer<Request extends { ask: string }> {
  private readonly child: ChildProcess;

  /** `program` is a file of this folder. `flags` are Node's. */
  constructor(program: string, core: number, options: { flags?: string[]; args?: string[] } = {}) {
    const { flags = [], args = [] } = options;
    const node = [process.execPath, ...flags, join(import.meta.dirname, program), ...args];
    this.child = spawn('taskset', ['-c', String(core), ...node], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  async ask<Answer>(request: Request): Promise<Answer> {
    const answered = new Promise<Answer>((resolve, reject) => {
      this.child.once('message', resolve as (answer: unknown) => void);
      this.child.once('exit', () => reject(new Error(`a process ended before it answered ${request.ask}`)));
    });
    this.child.send(request);
    const answer = await answered;
    this.child.removeAllListeners('exit');
    return answer;
  }

  /** Waits for the end of the process, which the last request brought about. */
  async ended(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

/** The other end: answers each request with what `serve` returns. */
export function answer<Request>(serve: (request: Request) => Promise<object> | object): void {
  process.on('message', async (request: Request) => {
    process.send?.(await serve(request));
  });
  // The parent is gone: nobody asks any more.
  process.on('disconnect', () => process.exit(0));
}
