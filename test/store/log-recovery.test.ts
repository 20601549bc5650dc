/** What the log makes of its files at start: a torn tail is cut, damage is refused, and nothing is guessed. */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeHeader, HEADER_BYTES, segmentName } from '../../broker/store/log/format.ts';
import { recover } from '../../broker/store/log/recovery.ts';
import { SegmentWriter } from '../../broker/store/log/segment-writer.ts';
import type { Stores } from '../../broker/store/ports.ts';
import { numberOf, positionOf } from '../../broker/store/position.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { payload, readTexts, startStores, textOf } from './harness.ts';
import { someCommand } from './killed-folder.ts';

const FIRST = segmentName(0);
const PUMP = { customer: 'acme', device: 'pump', position: positionOf(700) };
const BODY = new Uint8Array([1]);

/** A log of these records, each synced by itself; returns the bytes of its one segment and where each record ends. */
function writeLog(folder: string, texts: readonly string[]): { bytes: Buffer; ends: number[] } {
  const writer = new SegmentWriter({ folder, segmentBytes: 1e6, floor: 0 });
  writer.open();
  const ends = texts.map((text) => writer.commit([payload(text)])[0]?.end).map(Number);
  writer.close();
  return { bytes: readFileSync(join(folder, FIRST)), ends };
}

function reopen(folder: string): ReturnType<SegmentWriter['open']> {
  const writer = new SegmentWriter({ folder, segmentBytes: 1e6, floor: 0 });
  const recovered = writer.open();
  writer.close();
  return recovered;
}

describe('a torn tail', () => {
  it('is cut at the last good record, wherever in the last record the file ends', () => {
    const folder = temporaryFolder();
    const { bytes, ends } = writeLog(folder, ['first', 'second', 'the last one']);
    const [, good, end] = ends as [number, number, number];
    for (let cut = good; cut < end; cut += 1) {
      writeFileSync(join(folder, FIRST), bytes.subarray(0, cut));
      const { segments, torn } = reopen(folder);
      expect(segments[0]?.bytes, `cut at ${cut}`).toBe(good);
      expect(torn?.bytes ?? 0, `cut at ${cut}`).toBe(cut - good);
      expect(statSync(join(folder, FIRST)).size, `cut at ${cut}`).toBe(good);
    }
  });

  it('may be zeros, as a power cut leaves them when the size was written before the data', () => {
    const folder = temporaryFolder();
    const { bytes, ends } = writeLog(folder, ['first', 'second']);
    for (const zeros of [1, 15, 16, 17, 4096]) {
      writeFileSync(join(folder, FIRST), Buffer.concat([bytes, Buffer.alloc(zeros)]));
      expect(reopen(folder).segments[0]?.bytes).toBe(ends[1]);
    }
  });

  it('may have lost an earlier page of a write of several records, while a later record is whole', () => {
    const folder = temporaryFolder();
    const writer = new SegmentWriter({ folder, segmentBytes: 1e6, floor: 0 });
    writer.open();
    const [kept] = writer.commit([payload('synced')]);
    const [lost] = writer.commit([payload('lost'), payload('whole'), payload('whole too')]);
    writer.close();
    const bytes = readFileSync(join(folder, FIRST));
    writeFileSync(join(folder, FIRST), bytes.fill(0, Number(lost?.position), Number(lost?.end)));
    expect(reopen(folder).segments[0]?.bytes).toBe(kept?.end);
  });

  it('is told to the person who runs the server, and the log goes on from there', async () => {
    const first = await startStores();
    await first.stores.log.append(payload('kept'));
    const { position } = await first.stores.log.append(payload('torn'));
    await first.stores.stop();
    truncateSync(join(first.folder, 'log', FIRST), numberOf(position) + 5);
    const second = await startStores({ folder: first.folder });
    expect(second.bounds.end).toBe(position);
    expect(second.lines).toMatchObject([{ level: 'warn', fields: { offset: position, bytes: 5 } }]);
    const seen: string[] = [];
    await second.stores.log.follow(positionOf(0), (record) => seen.push(`${textOf(record)} ${record.isOwn}`));
    await second.stores.log.append(payload('next'));
    expect(await readTexts(second.stores, 0)).toEqual(['kept', 'next']);
    expect(seen).toEqual(['kept false', 'next true']);
  });
});

describe('damage', () => {
  it('is refused with file and offset for every byte of a record in the middle, and changes nothing', () => {
    const folder = temporaryFolder();
    const { bytes, ends } = writeLog(folder, ['first', 'in the middle', 'last']);
    const [start, end] = ends as [number, number];
    for (let at = start; at < end; at += 1) {
      for (const flip of [0x01, 0x80]) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] as number) ^ flip;
        writeFileSync(join(folder, FIRST), damaged);
        expect(() => reopen(folder), `byte ${at}`).toThrow(`${FIRST} is damaged at offset ${start}`);
        expect(readFileSync(join(folder, FIRST)).equals(damaged)).toBe(true);
      }
    }
  });

  it('is refused also when the record after it is torn itself', () => {
    const folder = temporaryFolder();
    const { bytes, ends } = writeLog(folder, ['first', 'second', 'last']);
    const damaged = Buffer.from(bytes.subarray(0, bytes.length - 1));
    damaged[(ends[0] as number) + HEADER_BYTES] = 0xff;
    writeFileSync(join(folder, FIRST), damaged);
    expect(() => reopen(folder)).toThrow(`damaged at offset ${ends[0]}`);
  });

  it('of the last record cannot be told from a torn tail, unless the database knows better', () => {
    const folder = temporaryFolder();
    const { bytes, ends } = writeLog(folder, ['first', 'last']);
    const damaged = Buffer.from(bytes);
    damaged[bytes.length - 1] = 0xff;
    writeFileSync(join(folder, FIRST), damaged);
    expect(() => recover(folder, ends[1] as number)).toThrow('the database stands for frames up to');
    expect(recover(folder, ends[0] as number).torn).toMatchObject({ offset: ends[0] });
  });

  it('is not seen in what a device sends, even if it looks like a record of another position', () => {
    const folder = temporaryFolder();
    const { ends } = writeLog(folder, ['first']);
    const inner = payload('looks like a record');
    const hostile = Buffer.concat([encodeHeader(0, 0, inner), inner, Buffer.alloc(50)]);
    const file = join(folder, FIRST);
    const torn = Buffer.concat([encodeHeader(ends[0] as number, 0, hostile), hostile.subarray(0, -1)]);
    torn[3] = 0xff;
    writeFileSync(file, Buffer.concat([readFileSync(file), torn]));
    expect(reopen(folder).segments[0]?.bytes).toBe(ends[0]);
  });

  it('rejects the start with log-corrupt, and read() when it lies in an older segment', async () => {
    const { stores, folder } = await startStores({ log: { segmentBytes: 65536, recentBytes: 1 } });
    for (const text of ['a', 'b', 'c']) await stores.log.append(payload(text, 70_000));
    await stores.stop();
    const file = join(folder, 'log', segmentName(0));
    const bytes = readFileSync(file);
    bytes[1000] = 0;
    writeFileSync(file, bytes);
    const again = await startStores({ folder });
    await expect(readTexts(again.stores, 0)).rejects.toMatchObject({ code: 'log-corrupt' });
    expect(await readTexts(again.stores, 70_016)).toEqual(['b', 'c']);
  });

  it('includes a segment that is missing or cut in the middle of the log', async () => {
    const { stores, folder } = await startStores({ log: { segmentBytes: 65536 } });
    for (const text of ['a', 'b', 'c']) await stores.log.append(payload(text, 70_000));
    await stores.stop();
    const copy = join(temporaryFolder(), 'log');
    mkdirSync(copy);
    const names = readdirSync(join(folder, 'log')).sort();
    for (const name of names) copyFileSync(join(folder, 'log', name), join(copy, name));
    truncateSync(join(copy, names[1] as string), 60_000);
    expect(() => recover(copy, 0)).toThrow(`${names[1]} is damaged at offset 60000`);
    expect(() => recover(copy, 0)).toThrow(`the next segment is ${names[2]}`);
  });
});

describe('a log folder that was moved away', () => {
  it('begins anew above every position that the database knows', async () => {
    const { stores, folder } = await startStores();
    await stores.database.saveCursors({ mqtt: positionOf(900) });
    await stores.database.setCheckpointPosition(positionOf(1200));
    await stores.stop();
    rmSync(join(folder, 'log'), { recursive: true });
    const again = await startStores({ folder });
    expect(again.bounds).toEqual({ first: 1200, end: 1200 });
    await again.stores.log.reader('mqtt', 'first');
    expect(again.stores.log.stats().lost).toEqual({ mqtt: 300 });
  });

  // A start would take the frames of a log that began lower for what the row holds already, and drop them.
  it.each([
    ['a device', (stores: Stores) => stores.database.saveDevices([{ ...PUMP, body: BODY }])],
    ['a forgotten device', (stores: Stores) => stores.database.saveDevices([{ ...PUMP, body: null }])],
    ['documents', (stores: Stores) => stores.database.saveDesired([{ ...PUMP, body: BODY }])],
    [
      'a command',
      (stores: Stores) => stores.database.saveCommands([{ ...someCommand(1), position: positionOf(700) }]),
    ],
  ])('begins anew above the row of %s that was saved ahead of the checkpoint', async (_what, save) => {
    const { stores, folder } = await startStores();
    await save(stores);
    await stores.stop();
    rmSync(join(folder, 'log'), { recursive: true });
    const again = await startStores({ folder });
    expect(again.bounds).toEqual({ first: 700, end: 700 });
  });
});
