/**
 * Seeds of the box: a list that stays the same, and with `BOX_SEEDS=20` so many new ones, numbered by the time of day. How much is run is bounded by the
 * number of seeds, never by time. A failure says how to replay it, and the shortest plan that was found in a few tries.
 */
import './globals.ts';
import { expect, it } from 'vitest';
import { KINDS } from './blows.ts';
import { type Outcome, runPlan } from './box.ts';
import { planOf } from './plan.ts';
import { shrink, textOfPlan } from './shrink.ts';

const HOURS = 0.3;
const KEPT = ['102', '103'];
/** Plans that are tried for a shorter one. */
const SHRINK = 30;

const first = Math.floor(Date.now() / 1000);
const fresh = Array.from({ length: Number(process.env.BOX_SEEDS ?? 0) }, (_, index) => String(first + index));

async function report(outcome: Outcome): Promise<string> {
  let tried = 0;
  const mayGoOn = () => {
    tried += 1;
    return tried <= SHRINK;
  };
  const shrunk = await shrink(outcome, { run: runPlan, mayGoOn });
  const replay = `npm run box -- --replay ${outcome.plan.seed} --hours ${HOURS}`;
  return [outcome.faults[0]?.message, replay, textOfPlan(shrunk)].join('\n');
}

it.each([...KEPT, ...fresh])('keeps every promise in the weather of seed %s', async (seed) => {
  const outcome = await runPlan(planOf(seed, HOURS, KINDS));
  const words = outcome.faults.length > 0 ? await report(outcome) : '';
  expect(words).toBe('');
});
