/** What the log and its writer thread say to each other. Answers come in the order of the requests. */
import type { Obstacle, StoredRecord } from '../ports.ts';
import type { Recovered } from './recovery.ts';

export interface WriterOptions {
  readonly folder: string;
  /** A segment of this size is closed before the next record that names no earlier source, and another one begun. */
  readonly segmentBytes: number;
  /** See `recover`; an empty log begins here. */
  readonly floor: number;
}

export type WriterRequest =
  /** At least one; the payloads' buffers are transferred. */
  | { readonly type: 'append'; readonly payloads: readonly Uint8Array<ArrayBuffer>[] }
  /** Close the current segment, whatever its size, unless it is empty. */
  | { readonly type: 'roll' }
  /** Close the file and let the thread end. */
  | { readonly type: 'close' };

export type WriterReport =
  | ({ readonly type: 'opened' } & Recovered)
  /** The log cannot be opened; the thread ends. */
  | { readonly type: 'refused'; readonly code: 'log-corrupt' | 'log-failed'; readonly message: string }
  /** A new segment was begun; what follows is in it. */
  | { readonly type: 'rolled'; readonly base: number }
  /** One write and one sync: the records, in order, with their payloads handed back. */
  | {
      readonly type: 'committed';
      readonly records: readonly StoredRecord[];
      readonly syncMilliseconds: number;
    }
  /** What is being written waits for this to pass, and what comes after it too. */
  | { readonly type: 'waiting'; readonly obstacle: Obstacle; readonly message: string }
  /** The obstacle has passed. */
  | { readonly type: 'going-on' }
  /** Nothing is written any more. */
  | { readonly type: 'failed'; readonly message: string };
