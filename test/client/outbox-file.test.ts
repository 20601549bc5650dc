/** An outbox on disk survives a restart as the same run of the device, and a crash at any byte. */
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HelloFrame } from '../../broker/wire/frames.ts';
import { OutboxJournal, type OutboxJournalOptions } from '../../client/outbox-file.ts';
import { FakeClock } from '../helpers/clock.ts';
import { fakeBroker } from '../helpers/fake-broker.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { startedClient } from './harness.ts';

const NOWHERE = 'ws://127.0.0.1:1';

function journal(path: string, options: Partial<OutboxJournalOptions> = {}): OutboxJournal {
  const onFault = (error: Error) => {
    throw error;
  };
  return new OutboxJournal({ path, boot: 7, fields: undefined, clock: new FakeClock(), onFault, ...options });
}

const draft = (seq: number, text = 'frame') => ({
  seq,
  bytes: new TextEncoder().encode(`${text} ${seq}`),
  queuedAt: 0,
  measuredAt: null,
});

function restored(path: string): string[] {
  const opened = journal(path);
  opened.close();
  return opened.restored.map(({ bytes }) => new TextDecoder().decode(bytes));
}

describe('a gateway that restarts', () => {
  it('goes on as the same boot and sends what was not acknowledged, dated as it was', async () => {
    const file = join(temporaryFolder(), 'outbox');
    const broker = await fakeBroker();
    const before = startedClient({ url: broker.url, outbox: { file } });
    const first = await broker.next();
    const { boot } = (await first.greet(0, { time: before.clock.now() })) as HelloFrame;
    for (let value = 1; value <= 4; value += 1) before.client.send({ value });
    await first.seqs(4);
    first.ack(2);
    await before.next('acknowledged');
    await before.client.stop();

    const clock = new FakeClock(before.clock.now() + 3_600_000);
    const after = startedClient({ url: broker.url, outbox: { file }, clock });
    after.client.send({ value: 5 });
    const second = await broker.next();
    expect((await second.greet(3, { time: clock.now() })).boot).toBe(boot);
    expect(await second.data()).toMatchObject({ seq: 4, values: [4], time: before.clock.now() });
    const fifth = await second.data();
    expect(fifth).toMatchObject({ values: [5], time: clock.now() });
    // A power cut may have taken seqs from the file that the broker has: they are not used again.
    expect(fifth.seq).toBeGreaterThan(4 + 1000);
    second.ack(fifth.seq ?? 0);
    await after.client.durable();
    await after.client.stop();
    expect(restored(file)).toEqual([]);
  });

  it('gives waiting frames their names when an update brought other fields (P-2.4)', async () => {
    const file = join(temporaryFolder(), 'outbox');
    const before = startedClient({ url: NOWHERE, outbox: { file }, fields: ['temp', 'level'] });
    before.client.send([21, 5]);
    before.client.sendBatch([
      [0, [22]],
      [10, [23, 6]],
    ]);
    before.client.sendEvent(4, 'door', [1]);
    await before.client.stop();

    const broker = await fakeBroker();
    startedClient({ url: broker.url, outbox: { file }, fields: ['level', 'temp'] });
    const session = await broker.next();
    expect((await session.greet()).fields).toEqual(['level', 'temp']);
    expect(await session.data()).toMatchObject({ names: ['temp', 'level'], values: [21, 5] });
    expect(await session.data()).toMatchObject({
      samples: [
        { names: ['temp'], values: [22] },
        { names: ['temp', 'level'], values: [23, 6] },
      ],
    });
    expect(await session.data()).toMatchObject({ name: 'door', data: [1] });
  });

  it('says so when its file is damaged, and goes on with what is good', async () => {
    const file = join(temporaryFolder(), 'outbox');
    const writing = journal(file);
    for (let seq = 1; seq <= 3; seq += 1) writing.append(draft(seq));
    writing.close();
    const bytes = readFileSync(file);
    const place = bytes.indexOf('frame 2');
    bytes[place] = 0;
    writeFileSync(file, bytes);
    const pump = startedClient({ url: NOWHERE, outbox: { file } });
    expect((await pump.next('fault')).message).toContain('is damaged at byte');
    expect(pump.client.held.frames).toBe(1);
  });

  it('never overwrites a file that is no outbox', () => {
    const file = join(temporaryFolder(), 'notes');
    writeFileSync(file, 'not an outbox');
    expect(() => startedClient({ url: NOWHERE, outbox: { file } })).toThrow('is no outbox file');
    expect(readFileSync(file, 'utf8')).toBe('not an outbox');
  });

  it('says which folder is missing', () => {
    const file = join(temporaryFolder(), 'missing', 'outbox');
    expect(() => startedClient({ url: NOWHERE, outbox: { file } })).toThrow('ENOENT');
  });
});

describe('the file', () => {
  it('is cut at the last good record, wherever a crash tore it', () => {
    const file = join(temporaryFolder(), 'outbox');
    const writing = journal(file);
    writing.append(draft(1));
    writing.append(draft(2));
    const whole = statSync(file).size;
    writing.append(draft(3));
    writing.close();
    const bytes = readFileSync(file);
    for (let length = whole; length < bytes.length; length += 1) {
      writeFileSync(file, bytes.subarray(0, length));
      expect(restored(file)).toEqual(['frame 1', 'frame 2']);
    }
    // A power cut may leave it longer than what was written, by any number of zeros.
    for (const zeros of [6, 8, 500, 4096]) {
      writeFileSync(file, bytes);
      appendFileSync(file, Buffer.alloc(zeros));
      expect(restored(file)).toEqual(['frame 1', 'frame 2', 'frame 3']);
    }
    // The cut is for good: what follows is read again.
    const goingOn = journal(file);
    goingOn.append(draft(9_000_000));
    goingOn.close();
    expect(restored(file)).toHaveLength(4);
  });

  it('forgets what was acknowledged or given up', () => {
    const file = join(temporaryFolder(), 'outbox');
    const writing = journal(file);
    for (let seq = 1; seq <= 6; seq += 1) writing.append(draft(seq));
    writing.release(2);
    writing.remove(4);
    writing.close();
    writing.close();
    expect(restored(file)).toEqual(['frame 3', 'frame 5', 'frame 6']);
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it('stays small however much passes through it', () => {
    const file = join(temporaryFolder(), 'outbox');
    const writing = journal(file);
    for (let seq = 1; seq <= 3000; seq += 1) {
      writing.append(draft(seq, 'x'.repeat(200)));
      if (seq % 10 === 0) writing.release(seq - 5);
      expect(statSync(file).size).toBeLessThan(80_000);
    }
    writing.close();
    expect(restored(file)).toHaveLength(5);
  });

  it('keeps its sequence through a compaction', () => {
    const file = join(temporaryFolder(), 'outbox');
    const writing = journal(file);
    writing.append(draft(40));
    writing.release(40);
    writing.close();
    journal(file).close();
    truncateSync(file, statSync(file).size);
    const again = journal(file);
    again.close();
    expect(again.boot).toBe(7);
    expect(again.seq).toBeGreaterThan(40);
  });
});
