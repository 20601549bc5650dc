/** What waits for an MQTT server that is away: nobody's results push out the results of others. */
import { expect, it } from 'vitest';
import { OutboundQueue, ThreadWindow } from '../../broker/bridge/outbound-queue.ts';

const KIB = 'x'.repeat(1024);

function away() {
  const queue = new OutboundQueue(new ThreadWindow(() => {}));
  const result = (customer: string | null, payload = KIB) =>
    queue.publish({ topic: 'replies/1', payload, customer });
  const fill = (customer: string | null) => {
    let taken = 0;
    while (result(customer)) taken += 1;
    return taken;
  };
  return { queue, result, fill };
}

it("acme's results fill its own quarter, and leave room for those of globex", () => {
  const { result, fill, queue } = away();
  const taken = fill('acme');
  expect(taken).toBeGreaterThan(800);
  expect(taken).toBeLessThan(1024);
  expect(result('globex')).toBe(true);
  expect(queue.dropped).toBe(1);
});

it('however much waits in all, a customer that has little has room', () => {
  const { result, fill } = away();
  for (const customer of ['a', 'b', 'c', 'd']) fill(customer);
  fill(null);
  expect(result(null)).toBe(false);
  expect(result('globex')).toBe(true);
  expect(fill('globex')).toBeLessThan(64);
});

it('counts correlation data, which the sender chooses', () => {
  const { queue } = away();
  const correlationData = new Uint8Array(1024);
  let taken = 0;
  while (queue.publish({ topic: 'r', payload: '', customer: 'acme', correlationData })) taken += 1;
  expect(taken).toBeLessThan(1024);
});
