/** Nothing lost, nothing twice, nothing out of order, wherever the connection is cut (P-3.2, P-4.3). */

import { expect, it } from 'vitest';
import { DeviceClient } from '../../client/index.ts';
import { FakeClock } from '../helpers/clock.ts';
import { fakeBroker } from '../helpers/fake-broker.ts';
import { fc } from '../helpers/fast-check.ts';

interface Life {
  /** Frames that the broker takes before it cuts. */
  readonly takes: number;
  /** Of these, how many it acknowledges before the cut. */
  readonly acks: number;
  /** Handed in while the device is away. */
  readonly away: number;
}

const life: fc.Arbitrary<Life> = fc.record({
  takes: fc.integer({ min: 0, max: 12 }),
  acks: fc.integer({ min: 0, max: 12 }),
  away: fc.integer({ min: 0, max: 6 }),
});

it('holds over random cuts', async () => {
  const broker = await fakeBroker();
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (lives) => {
      const clock = new FakeClock();
      const client = new DeviceClient({ url: broker.url, key: 'k', device: 'd', clock, random: () => 0 });
      // What a broker would have on disk, by the rule of P-4.3.
      const stored: number[] = [];
      let durable = 0;
      let handedIn = 0;
      const handIn = (count: number) => {
        for (let left = count; left > 0; left -= 1) {
          handedIn += 1;
          client.send({ number: handedIn });
        }
      };
      client.start();
      for (const { takes, acks, away } of lives) {
        handIn(4);
        const session = await broker.next();
        await session.greet(durable);
        const available = Math.min(takes, handedIn - durable);
        for (let taken = 1; taken <= available; taken += 1) {
          const frame = await session.data();
          if ((frame.seq ?? 0) > durable && 'values' in frame) {
            stored.push(frame.values[0] as number);
            durable = frame.seq ?? 0;
          }
          if (taken <= acks) session.ack(durable);
        }
        session.cut();
        const retryIn = await new Promise<number>((resolve) => {
          client.once('disconnected', (lost) => resolve(lost.retryIn ?? 0));
        });
        handIn(away);
        clock.advance(retryIn);
      }
      const last = await broker.next();
      await last.greet(durable);
      while (durable < handedIn) {
        const frame = await last.data();
        if ('values' in frame) stored.push(frame.values[0] as number);
        durable = frame.seq ?? 0;
      }
      last.ack(durable);
      await client.durable();
      expect(stored).toEqual(Array.from({ length: handedIn }, (_, index) => index + 1));
      await client.stop();
    }),
    { numRuns: 40 },
  );
});
