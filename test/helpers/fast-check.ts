/**
 * Properties are tried on the same cases in each run, so that nobody's change is red for a case that it has nothing to do
 * with. SEED=… tries others: `for seed in $(seq 100); do SEED=$seed npx vitest run …; done`.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.SEED ?? 4711) });

export { fc };
