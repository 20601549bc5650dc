import { describe, expect, it } from 'vitest';
import { SerialQueue } from '../../broker/base/serial-queue.ts';

/** Work that ends when the test says so. */
function controlled() {
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const over = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { over, resolve, reject };
}

describe('a serial queue', () => {
  it('begins nothing before what was asked for earlier is over', async () => {
    const queue = new SerialQueue();
    const first = controlled();
    const order: string[] = [];
    const one = queue.run(async () => {
      order.push('first begins');
      await first.over;
      order.push('first ends');
    });
    const two = queue.run(async () => void order.push('second'));
    await new Promise(setImmediate);
    expect(order).toEqual(['first begins']);
    first.resolve();
    await Promise.all([one, two]);
    expect(order).toEqual(['first begins', 'first ends', 'second']);
  });

  it('tells a failure to whoever asked for it, and goes on', async () => {
    const queue = new SerialQueue();
    const failing = queue.run(() => Promise.reject(new Error('full')));
    const next = queue.run(async () => 'done');
    await expect(failing).rejects.toThrow('full');
    expect(await next).toBe('done');
  });

  it('is idle when also what was asked for meanwhile is over', async () => {
    const queue = new SerialQueue();
    const [first, second] = [controlled(), controlled()];
    let state = 'busy';
    queue.run(() => first.over);
    const idle = queue.idle().then(() => {
      state = 'idle';
    });
    queue.run(() => second.over);
    first.resolve();
    await new Promise(setImmediate);
    expect(state).toBe('busy');
    second.resolve();
    await idle;
  });
});
