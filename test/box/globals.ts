/**
 * While a world runs, `setTimeout` and its like, and `Date.now`, are the world's: ws and mqtt.js reach for them. Outside of one they are Node's.
 * Imported before everything else, since some modules keep what they find at their start.
 */
import './settled.ts';
import type { Timer } from '../../broker/base/clock.ts';
import { SimulatedProcess } from './process.ts';
import { SimulatedThread } from './threads.ts';
import type { World } from './world.ts';

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
  now: Date.now,
};

let world: World | null = null;

/** What a library gets for a timer. */
class LibraryTimer {
  private readonly make: () => Timer;
  private timer: Timer;

  constructor(make: () => Timer) {
    this.make = make;
    this.timer = make();
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  refresh(): this {
    this.cancel();
    this.timer = this.make();
    return this;
  }

  cancel(): void {
    this.timer.cancel();
  }
}

type Callback = (...args: unknown[]) => void;

function once(inWorld: World, run: Callback, milliseconds: number, args: unknown[]): LibraryTimer {
  return new LibraryTimer(() => inWorld.after(milliseconds, () => run(...args)));
}

function repeated(inWorld: World, run: Callback, milliseconds: number, args: unknown[]): LibraryTimer {
  const owner = inWorld.current;
  return new LibraryTimer(() => {
    let next = inWorld.after(milliseconds, () => again(), owner);
    const again = () => {
      next = inWorld.after(milliseconds, () => again(), owner);
      run(...args);
    };
    return { cancel: () => next.cancel() };
  });
}

function cancelWith(otherwise: (timer: never) => void) {
  return (timer: unknown) => {
    if (timer instanceof LibraryTimer) timer.cancel();
    else otherwise(timer as never);
  };
}

Object.assign(globalThis, {
  setTimeout: (run: Callback, milliseconds = 0, ...args: unknown[]) =>
    world ? once(world, run, Math.max(1, milliseconds), args) : real.setTimeout(run, milliseconds, ...args),
  setInterval: (run: Callback, milliseconds = 1, ...args: unknown[]) =>
    world
      ? repeated(world, run, Math.max(1, milliseconds), args)
      : real.setInterval(run, milliseconds, ...args),
  setImmediate: (run: Callback, ...args: unknown[]) =>
    world ? once(world, run, 0, args) : real.setImmediate(run, ...args),
  clearTimeout: cancelWith(real.clearTimeout),
  clearInterval: cancelWith(real.clearInterval),
  clearImmediate: cancelWith(real.clearImmediate),
});

Date.now = () => {
  const owner = world?.current;
  return owner instanceof SimulatedProcess || owner instanceof SimulatedThread
    ? owner.clock.now()
    : real.now();
};

/** Runs `work` with the globals of `inWorld`; one at a time. */
export async function within<Result>(inWorld: World, work: () => Promise<Result>): Promise<Result> {
  if (world) throw new Error('a world runs already in this process');
  world = inWorld;
  try {
    return await work();
  } finally {
    world = null;
  }
}
