/**
 * Whatever happens, and however badly a viewer reads: the snapshot and the updates together are the fleet's state, told
 * without a hole, in rising revisions, within the bytes allowed.
 */

import { describe, expect, it } from 'vitest';
import { parseTopic, topicMatches } from '../../broker/hub/fleet/topics.ts';
import { FleetModel } from '../../dashboard/model.ts';
import { fc } from '../helpers/fast-check.ts';
import { type FakeViewer, World } from './world.ts';

const VIEWER_BYTES = 65_536;
const NAMES = ['acme/a', 'acme/b', 'acme/c', 'other/a', 'other/d'];

const device = fc.constantFrom(...NAMES);
const fleetStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('measure' as const), device, metric: fc.constantFrom('x', 'y') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('connect' as const, 'disconnect' as const, 'event' as const),
      device,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), device }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(5, 20, 100, 250, 600) }),
  },
);
const viewerStep = fc.oneof(
  fc.record({ do: fc.constantFrom('stall' as const, 'resume' as const, 'take' as const) }),
  fc.record({
    do: fc.constant('subscribe' as const),
    topic: fc.constantFrom('+/+', 'acme/+', '+/a', 'other/d'),
  }),
  fc.record({ do: fc.constant('watch' as const), devices: fc.option(fc.uniqueArray(device)) }),
);
type Step = typeof fleetStep extends fc.Arbitrary<infer F> ? F : never;
type ViewerStep = typeof viewerStep extends fc.Arbitrary<infer V> ? V : never;

/** One run: what is subscribed to, and a value that never repeats. */
class Run {
  readonly world: World;
  readonly viewer: FakeViewer;
  private readonly padding: string;
  topic = '+/+';
  watched: readonly string[] | null = null;
  private count = 0;

  constructor(viewerBytes: number, padding: number) {
    this.world = new World(viewerBytes);
    this.viewer = this.world.viewer();
    this.padding = 'p'.repeat(padding);
    this.viewer.says({ type: 'subscribe', id: 1, topic: this.topic });
  }

  step(step: Step | ViewerStep): void {
    const { world, viewer } = this;
    if ('device' in step) this.fleetStep(step);
    else if (step.do === 'wait') world.clock.advance(step.ms);
    else if (step.do === 'stall') viewer.stall();
    else if (step.do === 'resume') viewer.resume();
    else if (step.do === 'take') viewer.take(1);
    else if (step.do === 'subscribe') this.subscribe(step.topic);
    else if (step.do === 'watch') this.watch(step.devices);
  }

  private fleetStep(step: Extract<Step, { device: string }>): void {
    const { world } = this;
    this.count += 1;
    // A device is first heard of when it connects.
    if (world.device(step.device).presence.session === null) world.connects(step.device);
    if (step.do === 'measure') world.measures(step.device, { [step.metric]: `${this.count}${this.padding}` });
    else if (step.do === 'connect') world.connects(step.device);
    else if (step.do === 'disconnect') world.disconnects(step.device);
    else if (step.do === 'event') world.happens(step.device, 'step');
    else world.forgets(step.device);
  }

  private subscribe(topic: string): void {
    this.topic = topic;
    this.watched = null;
    this.viewer.says({ type: 'subscribe', id: 1, topic });
  }

  private watch(devices: readonly string[] | null): void {
    this.watched = devices;
    this.viewer.says({ type: 'watch', id: 1, devices });
  }

  /** What the viewer should know, as text that can be compared. */
  truth(): string[] {
    const topic = parseTopic(this.topic) ?? { customer: '', device: '' };
    return [...this.world.fleet.devices('*')]
      .filter(({ rev, customer, id }) => rev > 0 && topicMatches(topic, customer, id))
      .map(({ name, online, presence, lastDataAt, metrics }) => {
        const values = Object.fromEntries(
          [...metrics.changedSince(0)].map((metric) => [metric.name, String(metric.value)]),
        );
        return this.line(name, { online, session: presence.session, lastDataAt: lastDataAt || null, values });
      })
      .sort();
  }

  told(): string[] {
    const model = new FleetModel();
    for (const message of this.viewer.read) model.apply(message);
    return [...model.rows.values()]
      .map(({ name, online, session, lastDataAt, values }) => {
        const plain = Object.fromEntries([...values].map(([metric, { value }]) => [metric, String(value)]));
        return this.line(name, { online, session, lastDataAt, values: plain });
      })
      .sort();
  }

  /** Of a device that is not watched, only its presence is promised. */
  private line(
    name: string,
    state: {
      online: boolean;
      session: string | null;
      lastDataAt: number | null;
      values: Record<string, string>;
    },
  ) {
    const { online, session, lastDataAt, values } = state;
    const watched = this.watched === null || this.watched.includes(name);
    if (!watched) return JSON.stringify([name, online, session]);
    return JSON.stringify([
      name,
      online,
      session,
      lastDataAt,
      Object.entries(values)
        .map(([metric, value]) => [metric, Number.parseInt(value, 10)])
        .sort(),
    ]);
  }
}

describe('snapshot and updates', () => {
  it('add up to the state of the fleet, however the viewer reads, within its bytes and in rising revisions', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 3, arbitrary: fleetStep }, viewerStep), { maxLength: 120 }),
        (steps) => {
          const run = new Run(VIEWER_BYTES, 3000);
          for (const step of steps) run.step(step);
          fc.pre(run.viewer.closes.length === 0);
          run.viewer.resume();
          run.world.clock.advance(1000);
          expect(run.told()).toEqual(run.truth());
          const revisions = run.viewer.read.map(({ rev }) => rev);
          expect(revisions.every((rev, index) => index === 0 || rev > (revisions[index - 1] ?? 0))).toBe(
            true,
          );
          expect(run.viewer.mostBuffered).toBeLessThanOrEqual(VIEWER_BYTES);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('tell a viewer that reads every value once', () => {
    fc.assert(
      fc.property(fc.array(fleetStep, { maxLength: 80 }), (steps) => {
        const run = new Run(1_048_576, 0);
        for (const step of steps) run.step(step);
        run.world.clock.advance(500);
        expect(run.told()).toEqual(run.truth());
        const updates = run.viewer.of('update').flatMap(({ devices }) => devices);
        const values = updates.flatMap((update) => Object.values(update.values).map(({ value }) => value));
        expect(values).toHaveLength(new Set(values).size);
      }),
      { numRuns: 200 },
    );
  });
});
