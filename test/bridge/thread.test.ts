/** The bridge's thread may end in any way: it is counted and said, a new one follows, and the process goes on. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WorkerOptions } from '../../broker/bridge/messages.ts';
import { bridgeThreads, WorkerClient } from '../../broker/bridge/worker-client.ts';
import { FakeClock } from '../helpers/clock.ts';
import { type LogLine, recordingLog } from '../helpers/log.ts';

const MODULE = new URL('./crashing-thread.mjs', import.meta.url);

function setUp(ends: string) {
  const clock = new FakeClock();
  const lines: LogLine[] = [];
  let starts = 0;
  let told: (message: string) => void = () => {};
  const client = new WorkerClient({
    startThread: bridgeThreads(MODULE),
    options: () => ({ ends }) as unknown as WorkerOptions,
    started: () => {
      starts += 1;
    },
    reported: () => {},
    crashed: (message) => told(message),
    clock,
    logger: recordingLog(lines),
  });
  onTestFinished(() => client.stop());
  client.start();
  return {
    client,
    clock,
    lines,
    starts: () => starts,
    /** Makes the thread end; what was said of it. */
    crash: () => {
      const crashed = new Promise<string>((resolve) => {
        told = resolve;
      });
      client.send({ type: 'publish', messages: [] });
      return crashed;
    },
  };
}

describe('a thread that ends by itself', () => {
  it.each([
    ['throws', /what the peer sent was too much/],
    ['exits', /ended by itself/],
    ['fills its memory', /memory/],
  ])('and %s is followed by a new one', async (ends, sentence) => {
    const { client, clock, lines, starts, crash } = setUp(ends);
    expect(await crash()).toMatch(sentence);
    expect([client.crashes, starts()]).toEqual([1, 1]);
    expect(lines).toMatchObject([{ level: 'error', fields: { reason: expect.stringMatching(sentence) } }]);
    clock.advance(2000);
    expect(starts()).toBe(2);
  });

  it('again and again is given more time each time', async () => {
    const { lines, clock, starts, crash } = setUp('exits');
    for (let crashes = 1; crashes <= 4; crashes += 1) {
      await crash();
      clock.advance(30_000);
      expect(starts()).toBe(crashes + 1);
    }
    const pauses = lines.map(({ fields }) => fields.pause as number);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses[3]).toBeGreaterThan(pauses[0] as number);
  });

  it('is not followed after a stop, which may come twice', async () => {
    const { client, clock, starts, crash } = setUp('exits');
    await crash();
    await client.stop();
    await client.stop();
    clock.advance(60_000);
    expect([starts(), clock.pending]).toEqual([1, 0]);
  });
});
