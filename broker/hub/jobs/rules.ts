/**
 * Decides what a job does next, from how far it has come. A canary must succeed whole. After it, a job halts when the
 * share of commands that ended otherwise than `done` passes `haltShare`, once a few have ended (one failure at the start
 * is no share). After a resume the share counts anew. Pure.
 */
import type { JobRequest, JobStatus } from './job.ts';
import type { JobProgress, OutcomeCount } from './progress.ts';

/** Ended commands from which on a share means something. */
const ENOUGH = 10;

export interface JobState {
  readonly request: JobRequest;
  readonly status: JobStatus;
  /** Why it was halted or cancelled. */
  readonly reason: string | null;
  /** The key that cancelled it; null: nobody did. */
  readonly cancelledBy: string | null;
  /** What had ended when it was resumed last. */
  readonly baseline: Readonly<OutcomeCount>;
}

/** The state that follows, the same one if nothing does. `done` follows when everything has ended, also while halted. */
export function nextState(state: JobState, progress: JobProgress): JobState {
  const { status } = state;
  if (status === 'cancelled' || status === 'done') return state;
  if (progress.all.ended === progress.size) return { ...state, status: 'done', reason: null };
  if (status === 'canary') return afterCanary(state, progress);
  const reason = status === 'running' ? failingShare(state, progress) : null;
  return reason === null ? state : { ...state, status: 'halted', reason };
}

/** Whether nothing will happen any more. */
export function isOver({ status }: JobState, progress: JobProgress): boolean {
  if (status === 'done') return true;
  return status === 'cancelled' && progress.all.ended === progress.begun;
}

/** How many targets may have had their turn. */
export function mayBegin({ status, request }: JobState, progress: JobProgress): number {
  if (status === 'canary') return Math.min(request.canary, progress.size);
  return status === 'running' ? progress.size : 0;
}

function afterCanary(state: JobState, { canary, size }: JobProgress): JobState {
  const first = Math.min(state.request.canary, size);
  if (canary.failures > 0) {
    const reason = `${canary.failures} of the first ${first} (canary) did not end as done.`;
    return { ...state, status: 'halted', reason };
  }
  return canary.ended < first ? state : { ...state, status: 'running', reason: null };
}

/** Why the job halts; null: it does not. */
function failingShare({ request, baseline }: JobState, { all, size }: JobProgress): string | null {
  const { haltShare } = request;
  const ended = all.ended - baseline.ended;
  const failures = all.failures - baseline.failures;
  if (haltShare === null || ended < Math.min(ENOUGH, size) || failures / ended <= haltShare) return null;
  return `${failures} of ${ended} that ended did not end as done, more than the share of ${haltShare}.`;
}
