/**
 * Waits so that somebody can end it: for a time, which a signal cuts short, or for something that goes on in the broker
 * without us, which Ctrl-C stops following.
 */
import { CliError } from './output.ts';

/** Resolves after so many ms, or as soon as `signal` says so. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end);
  });
}

/**
 * Does `work` until it is done or somebody presses Ctrl-C, which rejects with CliError and what `goesOn` says. In the
 * end the signal lets go of what `work` still waits for.
 */
export async function untilInterrupted<Result>(
  goesOn: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const over = new AbortController();
  let interrupt = (): void => undefined;
  const interrupted = new Promise<never>((_resolve, reject) => {
    interrupt = () => reject(new CliError(goesOn));
  });
  process.once('SIGINT', interrupt);
  try {
    return await Promise.race([work(over.signal), interrupted]);
  } finally {
    process.off('SIGINT', interrupt);
    over.abort();
  }
}
