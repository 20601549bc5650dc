/** What leaves the log, and when: never before everybody has passed it, unless a limit is reached, and then counted. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { segmentName } from '../../broker/store/log/format.ts';
import { positionOf } from '../../broker/store/position.ts';
import { payload, prepareStores, startStores, type TestStores, takeTexts } from './harness.ts';

const HOUR = 3600 * 1000;
/** Every record fills a segment of its own. */
const RECORD = 70_000;
const END = RECORD + 16;
const log = { segmentBytes: 65536, recentBytes: 1, retentionAgeMs: 10 * HOUR };

async function appendAll({ stores, clock }: TestStores, texts: string): Promise<void> {
  for (const text of texts) {
    await stores.log.append(payload(text, RECORD));
    clock.advance(1000);
  }
}

/** Resolves when the file is gone; unlinking happens beside the event loop. */
async function gone(folder: string, base: number): Promise<void> {
  const file = join(folder, 'log', segmentName(base));
  while (existsSync(file)) await new Promise((resolve) => setImmediate(resolve));
}

describe('a segment', () => {
  it('is removed once every reader and hold has passed it and it has been kept for an hour', async () => {
    const opened = await startStores({ log });
    const { stores, clock, folder } = opened;
    const reader = await stores.log.reader('mqtt', 'first');
    await appendAll(opened, 'abcd');
    stores.log.hold('state', positionOf(3 * END));
    expect(await takeTexts(reader, 2, 1)).toEqual(['a', 'b']);
    clock.advance(HOUR / 2);
    expect(stores.log.stats().first).toBe(0);
    clock.advance(HOUR);
    expect(stores.log.stats()).toMatchObject({ first: 2 * END, end: 4 * END, bytes: 2 * END, lost: {} });
    await gone(folder, END);
    expect(existsSync(join(folder, 'log', segmentName(0)))).toBe(false);
    expect(existsSync(join(folder, 'log', segmentName(2 * END)))).toBe(true);
  });

  it('is removed when the bytes run out, and what a reader lost is counted and told', async () => {
    const opened = await startStores({ log: { ...log, retentionBytes: 3 * END } });
    const { stores, lines } = opened;
    stores.log.hold('state', positionOf(5 * END));
    const reader = await stores.log.reader('mqtt', 'first');
    await appendAll(opened, 'abcdef');
    expect(stores.log.stats()).toMatchObject({ first: 2 * END, lost: { mqtt: 2 * END } });
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: { reader: 'mqtt', bytes: END } }),
    );
    expect(reader.position).toBe(2 * END);
    expect(await takeTexts(reader, 4)).toEqual(['c', 'd', 'e', 'f']);
  });

  it('is removed when it is too old, the open one too, though nothing comes any more', async () => {
    const opened = await startStores({ log });
    const { stores, clock } = opened;
    await appendAll(opened, 'a');
    stores.log.hold('state', positionOf(END));
    await stores.log.reader('mqtt', 'first');
    clock.advance(2 * HOUR);
    await stores.log.append(payload('b'));
    clock.advance(11 * HOUR);
    expect(stores.log.stats()).toMatchObject({ first: END, lost: { mqtt: END } });
  });

  it('stays when the clock is set ahead by years, while it runs or before a start, and still goes when its age has passed', async () => {
    const opened = await startStores({ log });
    await appendAll(opened, 'abc');
    opened.stores.log.hold('state', positionOf(3 * END));
    await opened.stores.log.reader('mqtt', 'first');
    opened.clock.setWall(opened.clock.now() + 20_000 * HOUR);
    opened.clock.advance(60_000);
    expect(opened.stores.log.stats()).toMatchObject({ first: 0, lost: {} });
    await opened.stores.stop();

    const { stores, clock } = prepareStores({ folder: opened.folder, log });
    clock.setWall(clock.now() + 20_000 * HOUR);
    await stores.start();
    stores.log.hold('state', positionOf(3 * END));
    clock.advance(HOUR);
    expect(stores.log.stats()).toMatchObject({ first: 0, lost: {} });
    clock.advance(9 * HOUR);
    expect(stores.log.stats()).toMatchObject({ first: 2 * END, lost: { mqtt: 2 * END } });
  });

  it('grows old at the same pace when the clock is set back', async () => {
    const opened = await startStores({ log });
    const { stores, clock } = opened;
    await appendAll(opened, 'ab');
    stores.log.hold('state', positionOf(2 * END));
    await stores.log.reader('mqtt', 'first');
    clock.setWall(clock.now() - 20_000 * HOUR);
    clock.advance(12 * HOUR);
    expect(stores.log.stats()).toMatchObject({ first: END, lost: { mqtt: END } });
  });

  it('stays, whatever the limits say, while last-known state has not taken it in', async () => {
    const opened = await startStores({ log: { ...log, retentionBytes: 1 } });
    const { stores, clock } = opened;
    await appendAll(opened, 'abc');
    clock.advance(100 * HOUR);
    expect(stores.log.stats().first).toBe(0);
    stores.log.hold('state', positionOf(2 * END));
    clock.advance(60_000);
    expect(stores.log.stats().first).toBe(2 * END);
    await expect(stores.log.read(positionOf(0))[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'log-gone',
    });
  });
});

describe('a reader', () => {
  it('that fell behind what memory holds reads on from the files', async () => {
    const { stores } = await startStores({ log: { recentBytes: 100_000 } });
    const reader = await stores.log.reader('slow', 'first');
    const texts = Array.from({ length: 200 }, (_, index) => `record ${index}`);
    await Promise.all(texts.map((text) => stores.log.append(payload(text, 5000))));
    expect(await takeTexts(reader, 200, 12_000)).toEqual(texts);
  });

  it('reads records larger than a piece of the file', async () => {
    const { stores } = await startStores({ log: { recentBytes: 1 } });
    const reader = await stores.log.reader('large', 'first');
    await stores.log.append(payload('large', 3_000_000));
    await stores.log.append(payload('small'));
    expect(await takeTexts(reader, 2)).toEqual(['large', 'small']);
  });

  it('goes on at its cursor after a restart, with what it had not passed', async () => {
    const first = await startStores();
    const reader = await first.stores.log.reader('mqtt', 'first');
    for (const text of ['a', 'b', 'c']) await first.stores.log.append(payload(text));
    expect(await takeTexts(reader, 1, 1)).toEqual(['a']);
    await reader.next(1);
    await first.stores.stop();
    const { stores } = await startStores({ folder: first.folder });
    await stores.log.append(payload('d'));
    expect(await takeTexts(await stores.log.reader('mqtt', 'end'), 3)).toEqual(['b', 'c', 'd']);
  });

  it('has its cursor saved at once where that is asked for', async () => {
    const { stores } = await startStores({ log });
    await stores.log.append(payload('a', RECORD));
    const reader = await stores.log.reader('mqtt', 'first');
    await takeTexts(reader, 1, 1);
    reader.advance(positionOf(END));
    await stores.log.saveCursors();
    expect(await stores.database.loadCursors()).toEqual({ mqtt: END });
  });

  it('has its cursor saved about once a second', async () => {
    const { stores, clock } = await startStores();
    const { end } = await stores.log.append(payload('a'));
    await takeTexts(await stores.log.reader('mqtt', 'first'), 1);
    expect(await stores.database.loadCursors()).toEqual({});
    clock.advance(1000);
    let saved = await stores.database.loadCursors();
    while (!('mqtt' in saved)) saved = await stores.database.loadCursors();
    expect(saved).toEqual({ mqtt: end });
  });

  it('holds its records back while it is not open', async () => {
    const first = await startStores({ log });
    await first.stores.log.reader('mqtt', 'first');
    await appendAll(first, 'abc');
    await first.stores.stop();
    const { stores, clock } = await startStores({ folder: first.folder, log });
    stores.log.hold('state', positionOf(3 * END));
    clock.advance(2 * HOUR);
    expect(stores.log.stats().first).toBe(0);
  });
});

it('leaves no timer and no thread behind', async () => {
  const { stores, clock, folder } = await startStores();
  await stores.stop();
  expect(clock.pending).toBe(0);
  expect(readdirSync(folder).sort()).toEqual(['lock', 'log', 'signalbox.db', 'signalbox.db-sums']);
});
