/** A job as a row of the store: CBOR of what is not looked up by. Pure. */
import type { JobRow } from '../../store/command-ports.ts';
import { decode, encode } from '../../wire/cbor.ts';
import type { Job } from './job.ts';
import type { JobState } from './rules.ts';

/** Raise it when the meaning of a member changes; `readJob` refuses what it does not know. */
const VERSION = 1;

export interface StoredJob {
  readonly id: string;
  readonly number: number;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly targets: readonly string[];
  readonly state: JobState;
  /** As they were when it was saved; of a job that is over, the last word. */
  readonly counts: Job['counts'];
  readonly issued: number;
  /** Target index → why no command could be made. */
  readonly refusals: ReadonlyMap<number, string>;
}

type Body = Pick<StoredJob, 'state' | 'counts' | 'issued'> & {
  readonly version: number;
  readonly refusals: readonly (readonly [index: number, reason: string])[];
};

export function writeJob(job: StoredJob): JobRow {
  const { id, number, createdAt, endedAt, targets, refusals, ...rest } = job;
  const { customer } = job.state.wish.select;
  const body = encode({ version: VERSION, ...rest, refusals: [...refusals] });
  return { id, customer, number, createdAt, endedAt, targets: encode(targets), body };
}

export function readJob(row: JobRow): StoredJob {
  const { version, refusals, ...rest } = decode(row.body) as Body;
  if (version !== VERSION)
    throw new Error(`The stored job ${row.id} has version ${version}, not ${VERSION}.`);
  const { id, number, createdAt, endedAt } = row;
  const targets = decode(row.targets) as readonly string[];
  return { id, number, createdAt, endedAt, targets, ...rest, refusals: new Map(refusals) };
}

/** As HTTP tells it. */
export function jobOf({ id, number, createdAt, endedAt, targets, state, counts, issued }: StoredJob): Job {
  const { wish, status, reason } = state;
  return { id, number, wish, status, reason, createdAt, endedAt, targets, issued, counts };
}
