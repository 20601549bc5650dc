/**
 * A simulated process: its clock, its timers, and its death. What it does to the world (a write to a disk or a socket, a call of
 * the database, a message to a thread) is an effect; it can be killed before any of them, and whatever still runs
 * of it afterwards has none. Owns whether it lives.
 */
import type { Clock } from '../../broker/base/clock.ts';
import type { Owner, World } from './world.ts';

/** The machine's wall clock, which steps; several processes of a machine see the same one. */
export interface WallClock {
  /** Unix ms at the beginning of the world; changes when somebody sets the clock. */
  offset: number;
}

/** One that remembers how it was set. */
export class MachineClock implements WallClock {
  private readonly world: World;
  private readonly settings: { readonly at: number; readonly offset: number }[];

  constructor(world: World, offset: number) {
    this.world = world;
    this.settings = [{ at: world.time, offset }];
  }

  get offset(): number {
    return (this.settings.at(-1) as { readonly offset: number }).offset;
  }

  set offset(offset: number) {
    this.settings.push({ at: this.world.time, offset });
  }

  /** The latest wall time that it showed between two virtual times; of what is set in between, at its best. */
  latest(from: number, to: number): number {
    const then = this.settings.findLastIndex(({ at }) => at <= from);
    const during = this.settings.slice(Math.max(0, then)).filter(({ at }) => at <= to);
    return Math.floor(to) + Math.max(...during.map(({ offset }) => offset));
  }

  at(time: number): number {
    const setting = this.settings.findLast(({ at }) => at <= time);
    return Math.floor(time) + (setting?.offset ?? 0);
  }
}

export class SimulatedProcess implements Owner {
  readonly name: string;
  readonly clock: Clock;
  readonly wall: WallClock;
  alive = true;
  heldUntil = 0;
  /** Called once when it dies. */
  private readonly deaths: (() => void)[] = [];
  private readonly world: World;
  /** Effects until it is killed; null: nobody is after it. */
  private fuse: number | null = null;

  constructor(world: World, name: string, wall: WallClock) {
    this.world = world;
    this.name = name;
    this.wall = wall;
    const startedAt = world.time;
    this.clock = clockOf(world, this, {
      now: () => Math.floor(world.time) + wall.offset,
      // Far from the wall time, so that whoever takes one for the other is found out.
      monotonic: () => 1_000_000 + world.time - startedAt,
    });
  }

  onDeath(run: () => void): void {
    this.deaths.push(run);
  }

  /** It dies just before its effect number `effects` from now. */
  killAfter(effects: number): void {
    this.fuse = effects;
  }

  /** Nobody is after it any more. */
  spare(): void {
    this.fuse = null;
  }

  /** Holds it as SIGSTOP does. */
  hold(milliseconds: number): void {
    this.heldUntil = Math.max(this.heldUntil, this.world.time + milliseconds);
  }

  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    this.world.note(this.name, 'dies');
    for (const run of this.deaths) run();
  }

  /** Asked before each effect: whether it still has one. */
  effect(): boolean {
    if (this.fuse !== null) {
      if (this.fuse <= 0) this.kill();
      this.fuse -= 1;
    }
    return this.alive;
  }
}

/** Timers of `owner`, which end with it. */
export function clockOf(
  world: World,
  owner: Owner,
  { now, monotonic }: Pick<Clock, 'now' | 'monotonic'>,
): Clock {
  return {
    now,
    monotonic,
    after: (milliseconds, run) => world.after(milliseconds, run, owner),
    every: (milliseconds, run) => {
      if (!(milliseconds > 0)) throw new RangeError(`an interval of ${milliseconds} ms would never end`);
      let timer = world.after(milliseconds, () => again(), owner);
      const again = () => {
        timer = world.after(milliseconds, () => again(), owner);
        run();
      };
      return { cancel: () => timer.cancel() };
    },
    soon: (run) => world.after(0, run, owner),
  };
}
