/** A simulated fleet connects one after the other, sends at its rate, and tells at the end what became of every frame. */
import { expect, it } from 'vitest';
import { FRAME } from '../../broker/wire/frames.ts';
import { type SimulationOptions, simulate } from '../../device-sim/run.ts';
import { problem } from '../../schemas/problems.ts';
import { FakeClock } from '../helpers/clock.ts';
import { type FakeBroker, type FakeSession, fakeBroker } from '../helpers/fake-broker.ts';

const KEYS = [{ customer: 'acme', key: 'sbx_acme' }];

function fleet(broker: FakeBroker, options: Partial<SimulationOptions> = {}) {
  const clock = new FakeClock();
  const keys = KEYS;
  const simulation = simulate({
    url: broker.url,
    keys,
    devices: 1,
    rate: 10,
    profiles: ['thermostat'],
    clock,
    ...options,
  });
  simulation.start();
  return { clock, simulation };
}

/** Greets, and then acknowledges every frame as it comes. Resolves once it is greeted. */
async function obliging(session: FakeSession): Promise<FakeSession> {
  await session.greet();
  const answer = async (): Promise<void> => {
    for (;;) session.ack((await session.data()).seq ?? 0);
  };
  void answer();
  return session;
}

it('sends at its rate and loses nothing', async () => {
  const broker = await fakeBroker();
  const { clock, simulation } = fleet(broker, { duration: 2000 });
  clock.advance(20);
  await obliging(await broker.next());
  for (let passed = 0; passed < 2000; passed += 20) clock.advance(20);
  const report = await simulation.finished;
  expect(report.sent).toBeGreaterThanOrEqual(20);
  expect(report.sent).toBeLessThanOrEqual(22);
  expect(report).toMatchObject({ devices: 1, connected: 1, acknowledged: report.sent, lost: 0, pending: 0 });
  expect(report.ackP99).not.toBeNull();
  expect(await simulation.stop()).toEqual(report);
});

it('connects its devices one after the other, customers in turn, each under its name and key', async () => {
  const broker = await fakeBroker();
  const keys = [...KEYS, { customer: 'globex', key: 'sbx_globex' }];
  const profiles = ['pump', 'tracker'] as const;
  const { clock, simulation } = fleet(broker, {
    keys,
    profiles,
    devices: 3,
    connectsPerSecond: 10,
    drain: 0,
  });
  clock.advance(20);
  const seen: string[] = [];
  for (let count = 0; count < 6; count += 1) {
    const session = await broker.next();
    expect(broker.handshakes).toBe(count + 1);
    const hello = await session.greet();
    seen.push(`${session.request.headers.authorization} ${session.request.url} ${hello.model}`);
    clock.advance(100);
  }
  const line = (key: string, device: string, model: string) =>
    `Bearer sbx_${key} /v1/device?device=${device} ${model}`;
  expect(seen).toEqual([
    line('acme', 'pump-1', 'CP-40'),
    line('globex', 'pump-1', 'CP-40'),
    line('acme', 'tracker-1', 'GT-9'),
    line('globex', 'tracker-1', 'GT-9'),
    line('acme', 'pump-2', 'CP-40'),
    line('globex', 'pump-2', 'CP-40'),
  ]);
  await simulation.stop();
});

it('counts what was never acknowledged as lost, and what was sent again', async () => {
  const broker = await fakeBroker();
  const { clock, simulation } = fleet(broker, { drain: 1000 });
  clock.advance(20);
  const first = await broker.next();
  await first.greet();
  clock.advance(200);
  expect(await first.seqs(3)).toEqual([1, 2, 3]);
  first.cut();
  // Until it has noticed, what it measures is written to the dead connection, and written again.
  while (simulation.report().disconnects === 0) await new Promise((resolve) => setImmediate(resolve));
  const second = broker.next();
  while (broker.handshakes < 2) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(20);
  }
  const session = await second;
  await session.greet(1);
  expect((await session.data()).seq).toBe(2);
  const stopped = simulation.stop();
  clock.advance(1000);
  const report = await stopped;
  expect(report).toMatchObject({ connected: 1, acknowledged: 1, lost: report.sent - 1, disconnects: 1 });
  expect(report.resent).toBe(2);
  expect(report.problems).toEqual([{ what: 'connection ended (1006): The connection was cut.', count: 1 }]);
});

it('ends by itself when every device is turned away, and says why', async () => {
  const broker = await fakeBroker();
  const body = JSON.stringify(problem('unauthorized', 'The key is unknown.'));
  broker.refusals = [{ status: 401, body }];
  const { clock, simulation } = fleet(broker, { devices: 2, connectsPerSecond: 100 });
  let state: 'running' | 'finished' = 'running';
  const report = simulation.finished.finally(() => {
    state = 'finished';
  });
  while (state === 'running') {
    clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await report).toMatchObject({ devices: 2, connected: 0, refused: 2 });
  expect((await report).problems).toEqual([{ what: 'refused (401): The key is unknown.', count: 2 }]);
  expect(clock.pending).toBe(0);
});

it('takes a burst of a vibration sensor as one frame of many samples', async () => {
  const broker = await fakeBroker();
  const { clock, simulation } = fleet(broker, { profiles: ['vibration'], rate: 1 });
  clock.advance(20);
  const session = await broker.next();
  await session.greet();
  clock.advance(1000);
  const frame = await session.data();
  expect(frame.kind === FRAME.batch && frame.samples.length).toBe(32);
  const report = simulation.report();
  expect(report.samples).toBe(report.sent * 32);
  const stopped = simulation.stop();
  // A second Ctrl-C waits no longer.
  void simulation.stop();
  expect((await stopped).lost).toBe(report.sent);
});
