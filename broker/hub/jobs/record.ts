/** Writes and reads a job as a row of the store: CBOR of what is not looked up by. Pure. */
import type { JobRow } from '../../store/command-ports.ts';
import { decode, encode } from '../../wire/cbor.ts';
import type { Job, JobRequest } from './job.ts';
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

type JobRowBody = Pick<StoredJob, 'counts' | 'issued'> & {
  readonly version: number;
  /** `wish` is what the first version called the request; rows keep that name, so that the jobs of every version are read. */
  readonly state: Omit<JobState, 'request'> & { readonly wish: JobRequest };
  readonly refusals: readonly (readonly [index: number, reason: string])[];
};

export function writeJob(job: StoredJob): JobRow {
  const { id, number, createdAt, endedAt, targets, refusals, state, ...rest } = job;
  const { request, ...others } = state;
  const { customer } = request.select;
  const body: JobRowBody = {
    version: VERSION,
    ...rest,
    state: { wish: request, ...others },
    refusals: [...refusals],
  };
  return { id, customer, number, createdAt, endedAt, targets: encode(targets), body: encode(body) };
}

export function readJob(row: JobRow): StoredJob {
  const { version, refusals, state, ...rest } = decode(row.body) as JobRowBody;
  if (version !== VERSION)
    throw new Error(`The stored job ${row.id} has version ${version}, not ${VERSION}.`);
  const { id, number, createdAt, endedAt } = row;
  const targets = decode(row.targets) as readonly string[];
  const { wish: request, ...others } = state;
  const known = new Map(refusals);
  return {
    id,
    number,
    createdAt,
    endedAt,
    targets,
    ...rest,
    state: { request, ...others },
    refusals: known,
  };
}

/** As HTTP tells it. */
export function jobOf({ id, number, createdAt, endedAt, targets, state, counts, issued }: StoredJob): Job {
  const { request, status, reason } = state;
  return { id, number, request, status, reason, createdAt, endedAt, targets, issued, counts };
}
