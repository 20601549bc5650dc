/** Whoever reads the log knows where each frame comes from, wherever it begins to read and whoever wrote it. */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BatchBuilder, readBatch, SourceHandle } from '../../broker/store/batch.ts';
import { encodeHeader, segmentName } from '../../broker/store/log/format.ts';
import { type LogRecord, StoreError, type Stores } from '../../broker/store/ports.ts';
import { numberOf, type Position, START } from '../../broker/store/position.ts';
import { startStores } from './harness.ts';

const NOW = 1_780_000_000_000;
const HOUR = 3600 * 1000;

class Devices {
  private readonly handles = new Map<string, SourceHandle>();
  private sent = 0;
  /** What the log should hold: device and frame, in order. */
  readonly lines: string[] = [];

  add(stores: Stores, device: string, bytes = 50): void {
    const known = this.handles.get(device);
    const handle =
      known ?? new SourceHandle({ customer: 'acme', device, session: 's', boot: null, fields: ['temp'] });
    this.handles.set(device, handle);
    this.sent += 1;
    const frame = Buffer.alloc(bytes);
    frame.writeUInt32LE(this.sent);
    stores.log.batch.add(handle, NOW + this.sent, frame);
    this.lines.push(`${device} ${this.sent}`);
  }

  /** As a broker that starts anew: it has written nothing yet. */
  restart(): void {
    this.handles.clear();
  }
}

function linesOf(record: LogRecord): string[] {
  return [...readBatch(record)].map((entry) =>
    entry.kind === 'frame' ? `${entry.source.device} ${Buffer.from(entry.frame).readUInt32LE()}` : entry.kind,
  );
}

async function recordsFrom(stores: Stores, position: Position): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of stores.log.read(position)) records.push(record);
  return records;
}

/** Reads the log from the beginning and then from each of its records, the last one first. */
async function expectLines(stores: Stores, lines: readonly string[]): Promise<void> {
  const all = await recordsFrom(stores, START);
  expect(all.flatMap(linesOf)).toEqual(lines);
  const left = [...lines];
  for (const { position } of all) {
    const records = await recordsFrom(stores, position);
    expect(records.flatMap(linesOf)).toEqual(left);
    left.splice(0, linesOf(records[0] as LogRecord).length);
  }
}

describe('a log with many segments', () => {
  const log = { segmentBytes: 4000, recentBytes: 1 };

  it('is read from any of its records, by many readers at once, also after restarts', async () => {
    const devices = new Devices();
    let folder: string | undefined;
    for (let life = 0; life < 3; life += 1) {
      const opened = await startStores({ log, ...(folder === undefined ? {} : { folder }) });
      const { stores } = opened;
      folder = opened.folder;
      devices.restart();
      for (let batch = 0; batch < 40; batch += 1) {
        for (let frame = 0; frame <= batch % 4; frame += 1) {
          devices.add(stores, `pump-${(batch * 7 + frame) % 11}`);
        }
        await stores.log.append(...stores.log.batch.take());
      }
      await expectLines(stores, devices.lines);
      const { end } = stores.log.stats();
      const positions = (await recordsFrom(stores, START)).map(({ position }) => position);
      const counts = await Promise.all(
        positions.toReversed().map(async (position) => (await recordsFrom(stores, position)).length),
      );
      expect(counts).toEqual(positions.map((_, index) => index + 1));
      expect(end).toBeGreaterThan(life * 8000);
      await stores.stop();
    }
    const { stores } = await startStores({ folder: folder as string, log });
    expect(stores.log.stats().segments).toBeGreaterThan(3);
    await expectLines(stores, devices.lines);
  });

  it('holds each source once a segment', async () => {
    const devices = new Devices();
    const { stores, folder } = await startStores({ log });
    for (let batch = 0; batch < 200; batch += 1) {
      devices.add(stores, 'a-pump');
      await stores.log.append(...stores.log.batch.take());
    }
    const { segments } = stores.log.stats();
    expect(segments).toBeGreaterThan(3);
    let base = 0;
    for (let index = 0; index < segments; index += 1) {
      const bytes = readFileSync(join(folder, 'log', segmentName(base)));
      if (bytes.length > 0) expect(bytes.toString('latin1').split('a-pump')).toHaveLength(2);
      base += bytes.length;
    }
  });

  it('grows old while a batch fills, which still belongs into the segment of its sources', async () => {
    const devices = new Devices();
    const { stores, clock } = await startStores({ log: { recentBytes: 1, retentionAgeMs: 10 * HOUR } });
    stores.log.hold('state', START);
    devices.add(stores, 'pump');
    await stores.log.append(...stores.log.batch.take());
    devices.add(stores, 'pump');
    clock.advance(2 * HOUR);
    await stores.log.append(...stores.log.batch.take());
    devices.add(stores, 'pump');
    await stores.log.append(...stores.log.batch.take());
    expect(stores.log.stats().segments).toBe(2);
    await expectLines(stores, devices.lines);
  });
});

it('a batch of several MiB becomes several records of one append', async () => {
  const devices = new Devices();
  const { stores } = await startStores({ log: { recentBytes: 1, segmentBytes: 1_000_000 } });
  for (let index = 0; index < 60; index += 1) devices.add(stores, `pump-${index % 7}`, 60_000);
  const { position, end } = await stores.log.append(...stores.log.batch.take());
  const records = await recordsFrom(stores, position);
  expect(records.length).toBe(8);
  expect(records.at(-1)?.end).toBe(end);
  expect(
    Math.max(...records.map((record) => stores.log.bytesBetween(record.position, record.end))),
  ).toBeLessThanOrEqual(512 * 1024);
  await expectLines(stores, devices.lines);
});

describe('a record that is whole and cannot be understood', () => {
  async function openWith(bend: (payload: Uint8Array) => void) {
    const first = await startStores();
    const devices = new Devices();
    devices.add(first.stores, 'pump');
    const { end } = await first.stores.log.append(...first.stores.log.batch.take());
    await first.stores.stop();
    const builder = new BatchBuilder();
    const source = { customer: 'acme', device: 'fan', session: 's', boot: null, fields: null };
    builder.add(new SourceHandle(source), NOW, Buffer.alloc(4));
    const [payload] = builder.take() as [Uint8Array];
    bend(payload);
    const file = join(first.folder, 'log', segmentName(0));
    appendFileSync(file, Buffer.concat([encodeHeader(numberOf(end), 0, payload), payload]));
    const { stores } = await startStores({ folder: first.folder, log: { recentBytes: 1 } });
    const failure = await recordsFrom(stores, START).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreError);
    // Also for who has read what comes before it, and again.
    const reader = await stores.log.reader('slow', 'first');
    expect(await reader.next(1)).toHaveLength(1);
    for (let time = 0; time < 2; time += 1) await expect(reader.next(1)).rejects.toEqual(failure);
    expect((failure as StoreError).code).toBe('log-corrupt');
    return { message: (failure as StoreError).message, place: `${file} is damaged at offset ${end}` };
  }

  it('is an error that names file and offset: an entry of a newer version', async () => {
    const { message, place } = await openWith((payload) => {
      payload[17] = 4;
    });
    expect(message).toContain(`${place}: unknown entry 4 at 17: a newer version may have written it`);
  });

  it('is an error that names file and offset: sources are missing before it', async () => {
    const { message, place } = await openWith((payload) => {
      payload[1] = 5;
    });
    expect(message).toContain(`${place}: 5 sources should stand before it`);
  });
});
