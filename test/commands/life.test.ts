/** The life of a command (P-5.1), whatever happens in whatever order. */

import { describe, expect, it } from 'vitest';
import { COMMAND_STATUSES, type Command, isFinal } from '../../broker/hub/commands/command.ts';
import { answered, countAttempt, endedBy, expired, written } from '../../broker/hub/commands/life.ts';
import { fc } from '../helpers/fast-check.ts';
import { steps } from './world.ts';

const T0 = 1_780_000_000_000;

function command(changes: Partial<Command> = {}): Command {
  return {
    customer: 'acme',
    device: 'pump',
    id: 'c1',
    number: 1,
    name: 'reboot',
    args: null,
    status: 'queued',
    createdAt: T0,
    ttl: 60_000,
    expiresAt: T0 + 60_000,
    attempts: 0,
    supersede: null,
    job: null,
    by: 'key1',
    reply: null,
    timeline: [{ status: 'queued', at: T0, by: 'key1' }],
    endedAt: null,
    ...changes,
  };
}

const says = (status: number, at: number, data: Command['args'] = null) => ({
  frame: { status, data },
  session: 's1',
  at,
});

/** Anything that can happen to a command, in words. */
type Step = readonly ['written' | 'expires' | 'cancelled' | 1 | 2 | 3 | 4 | 5, number];

const script = fc.array(
  fc.tuple(
    fc.constantFrom<Step[0]>('written', 'expires', 'cancelled', 1, 2, 3, 4, 5),
    fc.integer({ min: 0, max: 90_000 }),
  ),
  { maxLength: 100 },
);

function step(before: Command, [what, after]: Step): Command {
  const at = T0 + after;
  if (typeof what === 'number') return answered(before, says(what, at));
  if (what === 'written') {
    if (isFinal(before.status)) return before;
    const counted = countAttempt(before);
    return written(counted, { session: 's1', attempt: counted.attempts, at });
  }
  if (isFinal(before.status)) return before;
  return what === 'expires' ? expired(before, null) : endedBy(before, 'cancelled', { at, reason: 'no more' });
}

describe('a command, whatever happens to it', () => {
  it('has at most one final step that is not late, and then stays what it is', () => {
    fc.assert(
      fc.property(script, (all) => {
        const { timeline, status, endedAt } = all.reduce(step, command());
        const finals = timeline.filter((step) => isFinal(step.status) && !step.late);
        expect(finals.length).toBe(isFinal(status) ? 1 : 0);
        expect(endedAt === null).toBe(finals.length === 0);
        if (finals[0]) expect(finals[0].status).toBe(status);
      }),
    );
  });

  it('never goes back on the way', () => {
    fc.assert(
      fc.property(script, (all) => {
        const { timeline } = all.reduce(step, command());
        const ranks = timeline
          .filter((step) => !step.late)
          .map(({ status }) => Math.min(COMMAND_STATUSES.indexOf(status), COMMAND_STATUSES.indexOf('done')));
        expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
      }),
    );
  });

  it('keeps a timeline of bounded length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (times) => {
        let progressing = command();
        for (let time = 0; time < times; time += 1)
          progressing = answered(progressing, says(2, T0 + time, { percent: time }));
        for (let time = 0; time < times; time += 1)
          progressing = answered(progressing, says(3 + (time % 3), T0 + 70_000 + time));
        expect(progressing.timeline.length).toBeLessThanOrEqual(64 + 1 + 8);
      }),
    );
  });
});

it('"A device sent a picture with every percent of its progress, and the broker kept them all"', () => {
  let copying = answered(command(), says(1, T0 + 1, 'x'.repeat(60_000)));
  for (let percent = 0; percent < 100; percent += 1)
    copying = answered(copying, says(2, T0 + 2, { percent, picture: 'x'.repeat(60_000) }));
  expect(JSON.stringify(copying.timeline).length).toBeLessThan(20_000);
  expect(copying.timeline.at(-1)?.reason).toMatch(/60\d+ bytes was left out/);
  const done = answered(copying, says(3, T0 + 3, 'x'.repeat(60_000)));
  expect(done.result).toHaveLength(60_000);
});

describe('what a device says (P-5.3)', () => {
  it('is taken in any state that is not final: done without a word before it', () => {
    const done = answered(command(), says(3, T0 + 5, { took: 12 }));
    expect(done).toMatchObject({ status: 'done', endedAt: T0 + 5, result: { took: 12 } });
  });

  it('wins by coming first', () => {
    const both = answered(answered(command(), says(4, T0 + 1, 'jammed')), says(3, T0 + 2));
    expect(both).toMatchObject({ status: 'failed', result: 'jammed' });
    expect(steps(both)).toEqual(['queued', 'failed', 'done (late)']);
  });

  it('changes nothing when it says the same again, for results have no acknowledgement', () => {
    const done = answered(command(), says(3, T0 + 1));
    expect(answered(done, says(3, T0 + 2))).toBe(done);
    const accepted = answered(command(), says(1, T0 + 1));
    expect(answered(accepted, says(1, T0 + 2))).toBe(accepted);
  });

  it('is late when it arrives at the end of the ttl, whether that was noticed or not', () => {
    const late = answered(command(), says(3, T0 + 60_000, 'too late'));
    expect(late).toMatchObject({ status: 'expired', endedAt: T0 + 60_000 });
    expect(late).not.toHaveProperty('result');
    expect(steps(late)).toEqual(['queued', 'expired', 'done (late)']);
  });

  it('goes after the writing in the timeline, even if the word of the writing comes later', () => {
    const fast = answered(countAttempt(command()), says(1, T0 + 1));
    const told = written(fast, { session: 's1', attempt: 1, at: T0 + 2 });
    expect(told.status).toBe('accepted');
    expect(told.timeline.map(({ status, at }) => [status, at - T0])).toEqual([
      ['queued', 0],
      ['written', 1],
      ['accepted', 1],
    ]);
  });
});
