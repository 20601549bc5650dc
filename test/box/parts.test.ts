/** The parts of the box that replace something of Node's or the system's: they do what it does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Outcome } from './box.ts';
import { SimulatedFile } from './file.ts';
import { copyOf } from './message-copy.ts';
import { MUTATIONS } from './mutations.ts';
import type { Blow, Plan } from './plan.ts';
import { bareOutcome } from './pool.ts';
import { SeededRandom } from './random.ts';
import { shrink, textOfPlan } from './shrink.ts';
import { World } from './world.ts';

describe('a message between threads', () => {
  it('is copied as structuredClone copies it', () => {
    const shared = { name: 'one' };
    const message = {
      type: 'append',
      payloads: [Buffer.from('frames'), new Uint8Array([1, 2, 3]).subarray(1), new Float64Array([0.5])],
      both: [shared, shared],
      missing: undefined,
      nothing: null,
      big: 2n ** 60n,
      map: new Map([['a', 1]]),
    };
    const copied = copyOf(message, []);
    expect(copied).toEqual(structuredClone(message));
    expect(copied.both[0]).toBe(copied.both[1]);
    expect(copied.both[0]).not.toBe(shared);
    expect(Buffer.isBuffer(copied.payloads[0])).toBe(false);
  });

  it('takes away what is transferred, and refuses what no thread can get', () => {
    const bytes = new Uint8Array([1, 2, 3]);
    expect(copyOf({ bytes }, [bytes.buffer]).bytes).toEqual(new Uint8Array([1, 2, 3]));
    expect(bytes.byteLength).toBe(0);
    expect(() => copyOf({ run: () => {} }, [])).toThrow(/could not be cloned/);
  });
});

it('holds in a file what was written to it, and what was synced apart', () => {
  const random = new SeededRandom('file');
  const file = new SimulatedFile(0);
  let [now, safe] = [Buffer.alloc(0), Buffer.alloc(0)];
  for (let step = 0; step < 2000; step += 1) {
    const what = random.pick(['write', 'write', 'write', 'truncate', 'sync', 'flip']);
    if (what === 'write') {
      const at = random.chance(0.8) ? now.length : random.whole(0, now.length + 10);
      const bytes = random.bytes(random.whole(1, 300));
      now = Buffer.concat([now, Buffer.alloc(Math.max(0, at + bytes.length - now.length))]);
      now.set(bytes, at);
      file.write(bytes, at);
    } else if (what === 'truncate') {
      const length = random.chance(0.05) ? 0 : Math.max(0, now.length - random.whole(0, 400));
      now = Buffer.from(now.subarray(0, length));
      file.truncate(length);
    } else if (what === 'sync') {
      safe = Buffer.from(now);
      file.sync();
    } else if (now.length > 0) {
      const at = random.whole(0, now.length - 1);
      for (const content of [now, safe]) if (at < content.length) content[at] = (content[at] as number) ^ 4;
      file.flip(at, 4);
    }
    expect(file.content.equals(now) && file.synced.equals(safe), `after step ${step}, ${what}`).toBe(true);
  }
});

describe('the world', () => {
  it('does what promises and ticks still have to do before the next thing happens', async () => {
    const world = new World('order');
    const order: string[] = [];
    world.after(1, () => {
      order.push('one');
      process.nextTick(() => order.push('its tick'));
      void Promise.resolve()
        .then(() => {})
        .then(() => order.push('its promise'));
    });
    world.after(1, () => order.push('two'));
    await world.run(10);
    expect(order).toEqual(['one', 'its tick', 'its promise', 'two']);
  });
});

describe('shrinking', () => {
  const blow = (minute: number, kind: string, effects = 500): Blow => ({
    at: minute * 60_000,
    kind,
    effects,
  });

  /** Fails whenever a kill comes after a full disk. */
  async function run(plan: Plan): Promise<Outcome> {
    const full = plan.weather.findIndex(({ kind }) => kind === 'full');
    const kill = plan.weather.findIndex(({ kind, at }) => kind === 'kill' && at < plan.hours * 3_600_000);
    const fault = { at: plan.weather[kill]?.at ?? 0, judge: 'a rule', message: 'is broken' };
    const faults = full >= 0 && kill > full ? [fault] : [];
    return bareOutcome(plan, faults);
  }

  it('finds the two blows of many that are needed, early, small, and with one device', async () => {
    const others = Array.from({ length: 40 }, (_, index) => blow(index, 'cut'));
    const weather = others.toSpliced(10, 0, blow(10, 'full')).toSpliced(30, 0, blow(29, 'kill'));
    const plan: Plan = { seed: 's', hours: 2, customers: 2, devices: 20, store: 'wide', weather };
    const shrunk = await shrink(await run(plan), { run, mayGoOn: () => true });
    expect(shrunk.plan).toEqual({
      seed: 's',
      hours: expect.closeTo(0.0006, 2),
      customers: 1,
      devices: 1,
      store: 'wide',
      weather: [
        { at: 1000, kind: 'full', effects: 0 },
        { at: 2000, kind: 'kill', effects: 0 },
      ],
    });
    expect(textOfPlan(shrunk)).toContain("      { at: 2000, kind: 'kill', effects: 0 },\n");
  });

  it('gives back what it has when it may not go on', async () => {
    const plan: Plan = {
      seed: 's',
      hours: 1,
      customers: 2,
      devices: 20,
      store: 'wide',
      weather: [blow(1, 'full'), blow(2, 'kill')],
    };
    const shrunk = await shrink(await run(plan), { run, mayGoOn: () => false });
    expect(shrunk).toMatchObject({ plan, runs: 0 });
  });
});

it('knows of each fault to be put in by hand where it stands, once', () => {
  const places = MUTATIONS.map(({ name, file, from }) => {
    const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
    return `${name}: ${text.split(from).length - 1}`;
  });
  expect(places).toEqual(MUTATIONS.map(({ name }) => `${name}: 1`));
});
