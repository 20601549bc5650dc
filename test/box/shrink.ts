/**
 * Makes a failing plan as short as it gets: fewer hours, devices and blows, less time between them and smaller parameters, as long as the
 * same judge still finds a fault. Owns the shortest plan so far. Pure but for what `run` does.
 */
import type { Outcome } from './box.ts';
import type { Fault } from './judges.ts';
import type { Blow, Plan } from './plan.ts';

const HOUR = 3_600_000;
/** ms that are left before the first blow, so that everybody has connected, and between two. */
const PAUSES = [1000, 10_000, 60_000] as const;

export interface Shrunk {
  readonly plan: Plan;
  readonly fault: Fault;
  /** Plans that were tried. */
  readonly runs: number;
}

export interface ShrinkOptions {
  run(plan: Plan): Promise<Outcome>;
  /** Asked before each run. */
  mayGoOn(): boolean;
}

/** `outcome`: of a plan that failed. */
export async function shrink({ plan, faults }: Outcome, options: ShrinkOptions): Promise<Shrunk> {
  const [fault] = faults;
  if (!fault) throw new Error('this plan did not fail');
  const search = new Search(plan, fault, options);
  await search.untilShortest();
  return search;
}

class Search implements Shrunk {
  plan: Plan;
  fault: Fault;
  runs = 0;
  private readonly options: ShrinkOptions;
  private readonly tried = new Set<string>();

  constructor(plan: Plan, fault: Fault, options: ShrinkOptions) {
    this.plan = plan;
    this.fault = fault;
    this.options = options;
  }

  async untilShortest(): Promise<void> {
    let before: Plan;
    do {
      before = this.plan;
      await this.endEarlier();
      await this.haveFewer();
      await this.leaveOutBlows();
      await this.hurry();
      await this.lower();
    } while (this.plan !== before && this.options.mayGoOn());
  }

  /** Whether it fails by the same judge: then it is the shortest so far. */
  private async fails(plan: Plan): Promise<boolean> {
    const key = JSON.stringify(plan);
    if (this.tried.has(key) || !this.options.mayGoOn()) return false;
    this.tried.add(key);
    this.runs += 1;
    const { faults } = await this.options.run(plan);
    const fault = faults.find(({ judge }) => judge === this.fault.judge);
    if (!fault) return false;
    this.plan = plan;
    this.fault = fault;
    return true;
  }

  /** A run ends with its fault, so what comes after it is not needed; one in the calm may need less before. */
  private async endEarlier(): Promise<void> {
    const { plan, fault } = this;
    const end = (hours: number): Plan => {
      return { ...plan, hours, weather: plan.weather.filter(({ at }) => at < hours * HOUR) };
    };
    const needed = Math.ceil((fault.at / HOUR) * 100) / 100;
    const last = Math.ceil(((plan.weather.at(-1)?.at ?? 0) / HOUR) * 100 + 1) / 100;
    for (const hours of [last / 4, last / 2, last, needed]) {
      if (hours < plan.hours && (await this.fails(end(hours)))) return;
    }
  }

  /** Others have other luck: so each number is tried with a few seeds. */
  private async haveFewer(): Promise<void> {
    const { plan } = this;
    for (let devices = 1; devices < plan.devices; devices *= 2) {
      for (const seed of [plan.seed, `${plan.seed}a`, `${plan.seed}b`]) {
        const customers = Math.min(plan.customers, devices);
        if (await this.fails({ ...plan, seed, devices, customers })) return;
      }
    }
  }

  /** Delta debugging: leaves out large pieces first, then smaller ones. */
  private async leaveOutBlows(): Promise<void> {
    for (let size = this.plan.weather.length; size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < this.plan.weather.length; ) {
        const weather = this.plan.weather.toSpliced(from, size);
        if (!(await this.fails({ ...this.plan, weather }))) from += size;
      }
    }
  }

  /** Less time before each blow; everything after it comes as much earlier. */
  private async hurry(): Promise<void> {
    for (let index = 0; index < this.plan.weather.length; index += 1) {
      for (const pause of PAUSES) {
        const { weather, hours } = this.plan;
        const before = weather[index - 1]?.at ?? 0;
        const spared = (weather[index] as Blow).at - before - pause;
        if (spared <= 0) break;
        const earlier = weather.map((blow, at) => (at < index ? blow : { ...blow, at: blow.at - spared }));
        const left = Math.max(0.01, Math.round((hours - spared / HOUR) * 10_000) / 10_000);
        if (await this.fails({ ...this.plan, weather: earlier, hours: left })) break;
      }
    }
  }

  /** Smaller whole numbers as parameters. */
  private async lower(): Promise<void> {
    for (let index = 0; index < this.plan.weather.length; index += 1) {
      for (const [name, value] of Object.entries(this.plan.weather[index] as Blow)) {
        if (name === 'at') continue;
        for (const smaller of smallerThan(value)) {
          const blow = { ...(this.plan.weather[index] as Blow), [name]: smaller };
          if (await this.fails({ ...this.plan, weather: this.plan.weather.with(index, blow) })) break;
        }
      }
    }
  }
}

type Parameter = Blow[string];

function smallerThan(value: Parameter): readonly Parameter[] {
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return [];
    const smaller = [0, Math.trunc(value / 100), Math.trunc(value / 10), Math.trunc(value / 2)];
    return [...new Set(smaller)].filter((one) => Math.abs(one) < Math.abs(value));
  }
  if (typeof value === 'string') return [];
  return value.flatMap((one, index) => {
    return smallerThan(one).map((smaller) => value.with(index, smaller as number));
  });
}

/** As it goes into `found.test.ts`. */
export function textOfPlan({ plan, fault }: Pick<Shrunk, 'plan' | 'fault'>): string {
  const { weather, ...rest } = plan;
  const head = Object.entries(rest).map(([name, value]) => `${name}: ${literal(value)}`);
  const blows = weather.map((blow) => `      ${literal(blow)},\n`);
  return `// ${fault.message.split('\n')[0]}
it(${literal(fault.judge)}, async () => {
  const { faults } = await runPlan({
    ${head.join(', ')},
    weather: [
${blows.join('')}    ],
  });
  expect(faults).toEqual([]);
});`;
}

function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value.replace(/[\\']/g, '\\$&')}'`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([name, one]) => `${name}: ${literal(one)}`)
    .join(', ')} }`;
}
