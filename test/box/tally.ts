/** What many runs add up to, in words. Owns the sums, and the failing runs. */
import type { Outcome } from './box.ts';

export class Tally {
  runs = 0;
  readonly failed: Outcome[] = [];
  private hours = 0;
  private starts = 0;
  private kills = 0;
  private happenings = 0;
  private readonly checks = new Map<string, number>();

  add(outcome: Outcome): void {
    this.runs += 1;
    this.hours += outcome.simulatedHours;
    this.starts += outcome.starts;
    this.kills += outcome.kills;
    this.happenings += outcome.happenings;
    for (const [rule, count] of Object.entries(outcome.checks)) {
      this.checks.set(rule, (this.checks.get(rule) ?? 0) + count);
    }
    if (outcome.faults.length > 0) this.failed.push(outcome);
  }

  /** `seconds`: real ones, so far. */
  progress(of: number | null, seconds: number): string {
    const all = of === null ? '' : ` of ${of}`;
    return `${this.runs}${all} seeds, ${this.hours.toFixed(1)} h simulated, ${(this.hours / seconds).toFixed(2)} h a second, ${this.failed.length} failed`;
  }

  summary(seconds: number): string {
    const rules = [...this.checks].sort(([one], [other]) => (one < other ? -1 : 1));
    const width = Math.max(0, ...rules.map(([rule]) => rule.length));
    return [
      `${this.runs} seeds, ${this.failed.length} failed; ${this.hours.toFixed(1)} hours simulated in ${seconds.toFixed(0)} s, ${(this.hours / seconds).toFixed(2)} hours a second`,
      `${this.starts} starts, ${this.kills} kills, ${this.happenings} happenings`,
      ...rules.map(([rule, count]) => `  ${rule.padEnd(width)}  ${count === 0 ? 'never checked' : count}`),
    ].join('\n');
  }
}
