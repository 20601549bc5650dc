/**
 * A checkpoint stands for its position, whatever happens and whenever: after every start the fleet is what the log adds
 * up to from its beginning, nobody is connected, and nothing of what was told before is taken back.
 */

import { describe, expect, it } from 'vitest';
import type { Position } from '../../broker/store/position.ts';
import { encodeBatch, encodeEvent, encodeTelemetry } from '../../broker/wire/encode.ts';
import type { Value } from '../../broker/wire/frames.ts';
import { fc } from '../helpers/fast-check.ts';
import { type Model, modelOf, summaryOf } from './restart-model.ts';
import { nextTurn, RestartWorld } from './restart-world.ts';

const DEVICES = ['pump', 'valve', 'meter'];
const METRICS = Array.from({ length: 40 }, (_, index) => `m${index}`);

const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 99 }) },
  fc.constant(null),
  fc.string({ maxLength: 3 }),
  fc.integer({ min: 0, max: 9 }).map((fill) => new Uint8Array(700).fill(fill)),
  fc.array(fc.nat(9), { maxLength: 3 }),
);
// Mostly the same few, at times one far behind them.
const metric = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...METRICS.slice(0, 4)) },
  fc.constantFrom(...METRICS),
);
const values = fc.dictionary(metric, value, { maxKeys: 4, noNullPrototype: true });
/** Milliseconds before now; null: on arrival. */
const age = fc.option(fc.nat(100), { nil: null });
const content = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('telemetry' as const), values }) },
  fc.record({
    kind: fc.constant('batch' as const),
    samples: fc.array(fc.tuple(fc.nat(50), values), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('event' as const) }),
);
const send = fc.record({
  do: fc.constant('send' as const),
  device: fc.constantFrom(...DEVICES),
  boot: fc.constantFrom('u1', 'u2', null),
  /** Added to the seq sent last: 0 and below repeat one. */
  step: fc.oneof(
    { weight: 4, arbitrary: fc.constant(1) },
    fc.integer({ min: -2, max: 3 }),
    fc.constant(null),
  ),
  age,
  content,
});
const writes = fc.nat(3);
const step = fc.oneof(
  { weight: 10, arbitrary: send },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('checkpoint' as const) }) },
  // The same, while the next steps go on.
  { weight: 2, arbitrary: fc.record({ do: fc.constant('checkpoint meanwhile' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('failing checkpoint' as const), writes }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill in a checkpoint' as const), writes }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('stop' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('forget' as const), device: fc.constantFrom(...DEVICES) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('connect' as const),
      device: fc.constantFrom(...DEVICES),
      hello: fc.option(
        fc.record(
          {
            boot: fc.constantFrom(1, 2),
            firmware: fc.string({ maxLength: 2 }),
            model: fc.constantFrom('P7', 'P8'),
            maxFrame: fc.constantFrom(256, 1024),
            meta: fc.dictionary(fc.constantFrom('a', 'b'), fc.nat(9), { noNullPrototype: true }),
          },
          { requiredKeys: [] },
        ),
        { nil: null },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('disconnect' as const),
      device: fc.constantFrom(...DEVICES),
      said: fc.constantFrom('', 'sleep', 'sleep 60', 'sleep 3600'),
    }),
  },
  // All in all less than ten minutes apart.
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('set the clock' as const),
      by: fc.constantFrom(-240_000, 0, 240_000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

class Run {
  private readonly world = new RestartWorld();
  private readonly seqs = new Map<string, number>();
  private readonly forgotten = new Map<string, Position>();
  private meanwhile: Promise<unknown> = Promise.resolve();
  private clockIsOffBy = 0;

  async of(steps: readonly Step[]): Promise<void> {
    await this.world.start();
    for (const one of steps) await this.take(one);
    for (const end of ['stop', 'kill'] as const) await this.take({ do: end });
  }

  private async take(one: Step): Promise<void> {
    const { world } = this;
    const { life } = world;
    world.clock.advance(7);
    if (one.do === 'send') this.send(one);
    else if (one.do === 'turn') await nextTurn();
    else if (one.do === 'settle') await this.settled();
    else if (one.do === 'connect') life.connect(one.device, one.hello);
    else if (one.do === 'disconnect') life.disconnect(one.device, one.said);
    else if (one.do === 'set the clock') this.setClock(one.by);
    else if (one.do === 'forget') await this.forget(one.device);
    else if (one.do === 'checkpoint') await life.checkpoint.run();
    else if (one.do === 'checkpoint meanwhile') this.meanwhile = life.checkpoint.run();
    else if (one.do === 'failing checkpoint') await this.failing(one.writes);
    else await this.restart(one);
  }

  private async settled(): Promise<void> {
    await this.world.life.ingest.flushed();
    await this.compare();
  }

  private async failing(writesBefore: number): Promise<void> {
    const { life } = this.world;
    await this.meanwhile;
    life.gate.after(writesBefore, 'fail');
    await life.checkpoint.run().catch(() => undefined);
    life.gate.after(Number.POSITIVE_INFINITY, 'hang');
  }

  private async restart(one: Exclude<Step, { do: 'send' }>): Promise<void> {
    const { world } = this;
    if (one.do === 'kill in a checkpoint') {
      await this.meanwhile;
      world.life.gate.after(one.writes, 'hang');
      void world.life.checkpoint.run();
      for (let turn = 0; turn < 8; turn += 1) await nextTurn();
    }
    const { told } = world.life;
    if (one.do === 'stop') await world.stop();
    else await world.kill();
    this.meanwhile = Promise.resolve();
    const presences = await this.compare();
    for (const { name, online } of world.life.fleet.devices('*'))
      expect([name, online]).toEqual([name, false]);
    for (const [device, presence] of told) expect(presences[device]).toContainEqual(presence);
  }

  private setClock(by: number): void {
    const { clock } = this.world;
    clock.setWall(clock.now() - this.clockIsOffBy + by);
    this.clockIsOffBy = by;
  }

  private async forget(device: string): Promise<void> {
    const position = await this.world.life.forget(device);
    if (position === null) return;
    this.forgotten.set(device, position);
    for (const key of this.seqs.keys()) if (key.startsWith(`${device}/`)) this.seqs.delete(key);
  }

  private send({ device, boot, step: by, age: before, content: what }: Step & { do: 'send' }): void {
    const { world } = this;
    const key = `${device}/${boot}`;
    const seq = by === null ? null : Math.max(1, (this.seqs.get(key) ?? 0) + by);
    if (seq !== null) this.seqs.set(key, Math.max(seq, this.seqs.get(key) ?? 0));
    const time = before === null ? null : world.clock.now() - before;
    const bytes =
      what.kind === 'telemetry'
        ? encodeTelemetry(seq, time, what.values)
        : what.kind === 'batch'
          ? encodeBatch(seq, time, what.samples)
          : encodeEvent(seq, time, 4, 'door');
    world.life.send(device, boot, bytes);
  }

  private async compare(): Promise<Model['presences']> {
    const { log, life } = this.world;
    const { summary, presences } = await modelOf(log, this.forgotten);
    expect(summaryOf(life.fleet)).toEqual(summary);
    return presences;
  }
}

describe('a fleet after any number of restarts of both kinds, with checkpoints at any moment', () => {
  it('is what the log adds up to from its beginning', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => new Run().of(steps)),
      { numRuns: 600 },
    );
  });
});
