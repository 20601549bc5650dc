/**
 * A worker thread, seen from the thread that starts it, and its own end of the way there. `WorkerThread` owns the thread, and knows why
 * it ended. Both ends are interfaces, so that what runs in a thread can run without one.
 */
import { extname } from 'node:path';
import { type MessagePort, receiveMessageOnPort, Worker, type WorkerOptions } from 'node:worker_threads';

export interface WorkerThreadEvents<Report> {
  reported(report: Report): void;
  /** The thread is gone; once, and also after a `terminate`. `error`: what it threw; null: it ended otherwise. */
  ended(error: Error | null): void;
}

/**
 * Where a thread's file is: compiled beside compiled code, and TypeScript beside TypeScript, which Node runs by stripping its
 * types. `path`: from the file that `url` is the `import.meta.url` of, without its ending.
 */
export function threadModule(url: string, path: string): URL {
  return new URL(`${path}${extname(url)}`, url);
}

/** What is asked of a thread that runs. */
export interface RunningThread<Request> {
  /** What is in `transfer` must not be touched any more. Lost once the thread has ended. */
  send(request: Request, transfer?: ArrayBuffer[]): void;
  /** Ends it at once, whatever it does. */
  terminate(): void;
  /** Resolves when the thread is gone and `ended` was told. Never rejects. */
  readonly gone: Promise<void>;
}

/** Starts a thread on these options. */
export type StartThread<Options, Request, Report> = (
  options: Options,
  events: WorkerThreadEvents<Report>,
) => RunningThread<Request>;

/** The thread's end. */
export interface ThreadPort<Request, Report> {
  /** What is in `transfer` must not be touched any more. */
  send(report: Report, transfer?: ArrayBuffer[]): void;
  /** The one who handles requests; nothing is handled before. */
  receive(handle: (request: Request) => void): void;
  /** The next request that has come already, which is then not handled otherwise; null: there is none. */
  queued(): Request | null;
  /** Nothing is received any more: the thread ends when it has nothing else to do. */
  close(): void;
}

export function messagePort<Request, Report>(port: MessagePort): ThreadPort<Request, Report> {
  return {
    send: (report, transfer = []) => port.postMessage(report, transfer),
    receive: (handle) => void port.on('message', handle),
    queued: () => (receiveMessageOnPort(port) as { message: Request } | undefined)?.message ?? null,
    close: () => port.close(),
  };
}

export class WorkerThread<Request, Report> implements RunningThread<Request> {
  private readonly worker: Worker;
  readonly gone: Promise<void>;

  /** Starts the thread. */
  constructor(module: URL, options: WorkerOptions, events: WorkerThreadEvents<Report>) {
    this.worker = new Worker(module, options);
    let thrown: Error | null = null;
    this.worker.on('message', (report: Report) => events.reported(report));
    this.worker.on('error', (error: Error) => {
      thrown = error;
    });
    this.gone = new Promise((resolve) => {
      this.worker.on('exit', () => {
        events.ended(thrown);
        resolve();
      });
    });
  }

  send(request: Request, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(request, transfer);
  }

  terminate(): void {
    void this.worker.terminate();
  }
}
