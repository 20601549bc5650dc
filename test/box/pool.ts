/**
 * Runs plans in child processes, several at a time. A run that takes its process with it, or does not come to an end, is a fault
 * of that plan like any other. Owns the processes.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Outcome } from './box.ts';
import type { Fault } from './judges.ts';
import type { Plan } from './plan.ts';

/** Runs a process makes before another takes its place, so that memory which it does not give back does not add up. */
const RUNS_OF_A_PROCESS = 40;
/** Real ms that a run may take, and those for each simulated hour: far more than on the slowest machine. */
const PATIENCE = 600_000;

export class Pool {
  private readonly idle: ChildProcess[] = [];
  private readonly runs = new WeakMap<ChildProcess, number>();
  private readonly all = new Set<ChildProcess>();

  async run(plan: Plan): Promise<Outcome> {
    const child = this.idle.pop() ?? this.begin();
    const outcome = await outcomeOf(child, plan);
    const runs = (this.runs.get(child) ?? 0) + 1;
    this.runs.set(child, runs);
    if (child.connected && runs < RUNS_OF_A_PROCESS) this.idle.push(child);
    else this.end(child);
    return outcome;
  }

  close(): void {
    for (const child of this.all) this.end(child);
  }

  private begin(): ChildProcess {
    const child = fork(join(import.meta.dirname, 'worker.ts'), { serialization: 'advanced' });
    this.all.add(child);
    return child;
  }

  private end(child: ChildProcess): void {
    this.all.delete(child);
    child.kill('SIGKILL');
  }
}

function outcomeOf(child: ChildProcess, plan: Plan): Promise<Outcome> {
  return new Promise((resolve) => {
    const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE * (1 + plan.hours));
    const answered = (outcome: Outcome) => {
      clearTimeout(impatience);
      child.off('message', answered).off('exit', exited);
      resolve(outcome);
    };
    const exited = (code: number | null, signal: string | null) => {
      const how = signal === 'SIGKILL' ? 'it did not come to an end, or had no memory' : `exit code ${code}`;
      answered(outcomeWithout(plan, how));
    };
    child.on('message', answered).on('exit', exited);
    child.send(plan);
  });
}

/** Of a run that took its process with it. */
function outcomeWithout(plan: Plan, how: string): Outcome {
  return bareOutcome(plan, [{ at: 0, judge: 'the run comes to an end', message: how }]);
}

/** Of a run of which nothing else is known. */
export function bareOutcome(plan: Plan, faults: readonly Fault[]): Outcome {
  return {
    plan,
    faults,
    digest: '',
    trace: [],
    happenings: 0,
    simulatedHours: 0,
    starts: 0,
    kills: 0,
    checks: {},
  };
}
