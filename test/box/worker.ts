/** A process that runs plans, one after another, for `pool.ts`: a world takes the globals of the process that it runs in. */
import './globals.ts';
import { runPlan } from './box.ts';
import type { Plan } from './plan.ts';

process.on('message', (plan: Plan) => {
  runPlan(plan).then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => {
      throw error;
    },
  );
});
process.on('disconnect', () => process.exit());
