/** P-4.2 as the kernel sees it: the log's fdatasync has come back before the ack is written to the socket. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { startProcess } from '../helpers/broker-process.ts';
import { connect } from '../helpers/device.ts';
import { requires } from '../helpers/requires.ts';
import { mark, readTrace, straceTo } from '../helpers/strace.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const FRAMES = 300;
const FRAMES_AT_ONCE = 10;

const frame = (seq: number) => encodeTelemetry(seq, null, { text: mark(seq) });
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

requires('strace')('the order of fdatasync and ack', () => {
  it('syncs every frame to the log before it writes the ack that covers it', async () => {
    const file = join(temporaryFolder(), 'trace');
    const broker = await startProcess({ launcher: straceTo(file) });
    const device = await connect(broker.url, { key: await broker.deviceKey('acme', 'pump-7') });
    device.send(encodeHello({ boot: 1, ackWithin: 0 }));
    await device.acknowledged(0);
    for (let seq = 1; seq <= FRAMES; seq += FRAMES_AT_ONCE) {
      device.send(...numbers(seq, FRAMES_AT_ONCE).map(frame));
      await device.acknowledged(seq + FRAMES_AT_ONCE - 1);
    }
    expect(await broker.stop()).toBe(0);

    const durable = new Set<number>();
    const early: string[] = [];
    let acks = 0;
    for (const event of await readTrace(file, broker.child.pid as number)) {
      if (event.what === 'synced') for (const seq of event.marks) durable.add(seq);
      else {
        const missing = numbers(1, event.seq).filter((seq) => !durable.has(seq));
        if (missing.length > 0) early.push(`ack ${event.seq} before the sync of ${missing[0]}`);
        acks += 1;
      }
    }
    expect(early).toEqual([]);
    expect(durable.size).toBe(FRAMES);
    // The hello's, and at least one for each write of ours.
    expect(acks).toBeGreaterThan(FRAMES / FRAMES_AT_ONCE);
  });
});
