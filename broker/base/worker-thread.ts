/** A worker thread, seen from the thread that starts it. Owns the thread, and knows why it ended. */
import { extname } from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';

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

export class WorkerThread<Request, Report> {
  private readonly worker: Worker;
  /** Resolves when the thread is gone and `ended` was told. Never rejects. */
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

  /** What is in `transfer` must not be touched any more. Lost once the thread has ended. */
  send(request: Request, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(request, transfer);
  }

  /** Ends it at once, whatever it does. */
  terminate(): void {
    void this.worker.terminate();
  }
}
