/** What a job does next, whatever devices answer and people do: the promises of `rules.ts`, tried at random. */

import { describe, expect, it } from 'vitest';
import type { JobRequest } from '../../broker/hub/jobs/job.ts';
import { hasEnded, JobProgress } from '../../broker/hub/jobs/progress.ts';
import { isOver, type JobState, mayBegin, nextState } from '../../broker/hub/jobs/rules.ts';
import { fc } from '../helpers/fast-check.ts';
import { requestOf } from './world.ts';

const ENDS = ['done', 'done', 'done', 'failed', 'rejected', 'expired'] as const;

const size = fc.integer({ min: 1, max: 30 });
const request = fc.record({
  canary: fc.integer({ min: 0, max: 33 }),
  haltShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
});
/** What happens next; the number picks among what can. */
const action = fc.record({
  what: fc.constantFrom('begin', 'begin', 'end', 'end', 'refuse', 'cancel', 'resume'),
  pick: fc.nat(1000),
  end: fc.constantFrom(...ENDS),
});
type Action = typeof action extends fc.Arbitrary<infer One> ? One : never;

/** A job without commands: targets begin as far as the rules allow, and end as the script says. */
class Model {
  readonly progress: JobProgress;
  state: JobState;
  wasResumed = false;

  constructor(targets: number, part: Pick<JobRequest, 'canary' | 'haltShare'>) {
    const whole = requestOf(part);
    this.progress = new JobProgress(targets, whole.canary);
    this.state = {
      request: whole,
      status: whole.canary > 0 ? 'canary' : 'running',
      reason: null,
      cancelledBy: null,
      baseline: { ended: 0, failures: 0 },
    };
  }

  get next(): number | null {
    const { progress } = this;
    const index = Array.from({ length: mayBegin(this.state, progress) }, (_, one) => one).find(
      (one) => progress.status(one) === null,
    );
    return index ?? null;
  }

  get open(): number[] {
    return [...this.progress.in('queued')];
  }

  do({ what, pick, end }: Action): void {
    const { next, open, progress } = this;
    const chosen = open[pick % Math.max(1, open.length)];
    if (what === 'begin' && next !== null) progress.set(next, 'queued');
    else if (what === 'refuse' && next !== null) progress.set(next, 'refused');
    else if (what === 'end' && chosen !== undefined) progress.set(chosen, end);
    else if (what === 'cancel' && pick < 20) this.cancel();
    else if (what === 'resume' && this.state.status === 'halted') this.resume();
    this.settle();
  }

  private cancel(): void {
    if (!isOver(this.state, this.progress)) this.state = { ...this.state, status: 'cancelled' };
  }

  private resume(): void {
    this.wasResumed = true;
    this.state = { ...this.state, status: 'running', reason: null, baseline: { ...this.progress.all } };
  }

  private settle(): void {
    for (;;) {
      const next = nextState(this.state, this.progress);
      if (next === this.state) return;
      this.state = next;
    }
  }
}

function everyRun(check: (model: Model, before: JobState) => void): void {
  fc.assert(
    fc.property(size, request, fc.array(action, { maxLength: 120 }), (targets, part, script) => {
      const model = new Model(targets, part);
      for (const one of script) {
        const before = model.state;
        model.do(one);
        check(model, before);
      }
    }),
    { numRuns: 200 },
  );
}

describe('a job, whatever happens', () => {
  it('gives nobody a turn beyond the canary before all of that are done, unless a person resumes it', () => {
    everyRun(({ progress, state, wasResumed }) => {
      const first = Math.min(state.request.canary, progress.size);
      const areDone = progress.canary.ended === first && progress.canary.failures === 0;
      if (!areDone && !wasResumed) expect(progress.begun).toBeLessThanOrEqual(first);
    });
  });

  it('gives nobody a turn while it is halted, or after its end', () => {
    everyRun((model) => {
      if (['halted', 'cancelled', 'done'].includes(model.state.status)) expect(model.next).toBeNull();
    });
  });

  it('halts with a reason, and only for failures', () => {
    everyRun(({ progress, state }) => {
      if (state.status !== 'halted') return;
      expect(state.reason).toMatch(/did not end as done/);
      expect(progress.all.failures).toBeGreaterThan(0);
    });
  });

  it('is never left with nothing to do: it is over, or something is open, or a turn or a person is awaited', () => {
    everyRun((model) => {
      const { state, progress, open, next } = model;
      const isAwaited = open.length > 0 || next !== null || state.status === 'halted';
      expect(isOver(state, progress) || isAwaited).toBe(true);
      const isComplete = progress.all.ended === progress.size;
      if (isComplete) expect(isOver(state, progress)).toBe(true);
    });
  });

  it('stays over, and cancelled, once it is', () => {
    everyRun(({ state }, before) => {
      if (before.status === 'done' || before.status === 'cancelled') expect(state.status).toBe(before.status);
    });
  });

  it('counts each target once', () => {
    everyRun(({ progress }) => {
      const statuses = Array.from({ length: progress.size }, (_, index) => progress.status(index));
      const ended = statuses.filter(hasEnded);
      expect(progress.all).toEqual({
        ended: ended.length,
        failures: ended.filter((status) => status !== 'done').length,
      });
      const counted = Object.values(progress.counts()).reduce((sum, count) => sum + (count ?? 0), 0);
      expect(counted).toBe(statuses.filter((status) => status !== null).length);
    });
  });
});

it('an older look at the store does not take back what has ended', () => {
  const progress = new JobProgress(2, 0);
  progress.set(0, 'done');
  progress.set(0, 'queued');
  expect(progress.status(0)).toBe('done');
  expect(progress.counts()).toEqual({ done: 1 });
});

it('a command that is being asked for does not count as issued', () => {
  const progress = new JobProgress(2, 0);
  progress.set(0, 'issuing');
  expect([progress.begun, progress.issued]).toEqual([1, 0]);
  progress.set(0, 'queued');
  expect([progress.begun, progress.issued]).toEqual([1, 1]);
});
