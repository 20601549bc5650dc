/** What every telemetry log promises (broker/store/ports.ts), whatever the engine. */
import { expect, it } from 'vitest';
import { numberOf, type Position, positionOf } from '../../broker/store/position.ts';
import { payload, readTexts, startStores, takeTexts, textOf } from './harness.ts';

const beyond = (position: Position) => positionOf(numberOf(position) + 1);

export function telemetryLogContract(engine: 'files' | 'memory'): void {
  it('resolves appends in the order of the calls, each record beginning where the last one ended', async () => {
    const { stores, bounds } = await startStores({ engine });
    const commits = await Promise.all(['a', 'b', 'c', 'd'].map((text) => stores.log.append(payload(text))));
    expect(commits[0]?.position).toBe(bounds.end);
    for (const [index, commit] of commits.slice(1).entries())
      expect(commit.position).toBe(commits[index]?.end);
    expect(await readTexts(stores, bounds.first)).toEqual(['a', 'b', 'c', 'd']);
    expect(stores.log.stats()).toMatchObject({ commits: 4, first: bounds.first, end: commits[3]?.end });
  });

  it('takes over the memory of the payload', async () => {
    const { stores } = await startStores({ engine });
    const mine = payload('mine');
    await stores.log.append(mine);
    expect(mine.byteLength).toBe(0);
  });

  it('gives every byte back, also of a payload that lies inside a larger buffer', async () => {
    const { stores } = await startStores({ engine });
    const buffer = new ArrayBuffer(4096);
    new Uint8Array(buffer).fill(7);
    const { position } = await stores.log.append(new Uint8Array(buffer, 100, 300));
    for await (const record of stores.log.read(position)) {
      expect(Buffer.from(record.payload)).toEqual(Buffer.alloc(300, 7));
    }
  });

  it('refuses an empty record and goes on', async () => {
    const { stores, bounds } = await startStores({ engine });
    await expect(stores.log.append(new Uint8Array(0))).rejects.toThrow(RangeError);
    await stores.log.append(payload('next'));
    expect(await readTexts(stores, bounds.first)).toEqual(['next']);
  });

  it('reads from any record on, and only what was there at the call', async () => {
    const { stores } = await startStores({ engine });
    await stores.log.append(payload('one'));
    const second = await stores.log.append(payload('two'));
    await stores.log.append(payload('three'));
    const seen: string[] = [];
    for await (const record of stores.log.read(second.position)) {
      seen.push(textOf(record));
      await stores.log.append(payload('later'));
    }
    expect(seen).toEqual(['two', 'three']);
  });

  it('hands its follower every record in log order, those of this run marked, before their appends resolve', async () => {
    const { stores, bounds } = await startStores({ engine });
    await stores.log.append(payload('one'));
    const second = await stores.log.append(payload('two'));
    const seen: string[] = [];
    const appending: Promise<unknown>[] = [];
    const following = stores.log.follow(bounds.first, (record) => {
      seen.push(`${textOf(record)} ${record.isOwn}`);
      // What comes while the old ones are read has its turn after them.
      if (seen.length === 1) appending.push(stores.log.append(payload('three')));
    });
    await following;
    await Promise.all(appending);
    await stores.log.append(payload('four')).then(() => seen.push('resolved'));
    expect(seen).toEqual(['one true', 'two true', 'three true', 'four true', 'resolved']);
    await expect(stores.log.follow(second.position, () => {})).rejects.toThrow('follower');
  });

  it('refuses positions beyond the end', async () => {
    const { stores, bounds } = await startStores({ engine });
    await expect(readTexts(stores, beyond(bounds.end))).rejects.toThrow(RangeError);
    await expect(stores.log.reader('ahead', beyond(bounds.end))).rejects.toThrow(RangeError);
    expect(await readTexts(stores, bounds.end)).toEqual([]);
  });

  it('hands a waiting reader what is appended', async () => {
    const { stores } = await startStores({ engine });
    const reader = await stores.log.reader('waiting', 'end');
    const next = reader.next(1000);
    await stores.log.append(payload('news'));
    expect((await next).map(textOf)).toEqual(['news']);
  });

  it('starts readers at the first record, at the end, or at a position', async () => {
    const { stores } = await startStores({ engine });
    await stores.log.append(payload('one'));
    const { position } = await stores.log.append(payload('two'));
    const first = await stores.log.reader('first', 'first');
    const end = await stores.log.reader('end', 'end');
    const middle = await stores.log.reader('middle', position);
    await stores.log.append(payload('three'));
    expect(await takeTexts(first, 3)).toEqual(['one', 'two', 'three']);
    expect(await takeTexts(middle, 2)).toEqual(['two', 'three']);
    expect(await takeTexts(end, 1)).toEqual(['three']);
  });

  it('gives at least one record and otherwise about as many bytes as asked for', async () => {
    const { stores } = await startStores({ engine });
    for (const text of ['a', 'b', 'c', 'd']) await stores.log.append(payload(text, 1000));
    const reader = await stores.log.reader('slow', 'first');
    expect((await reader.next(10)).map(textOf)).toEqual(['a']);
    expect((await reader.next(2100)).map(textOf)).toEqual(['b', 'c']);
    expect((await reader.next(1_000_000)).map(textOf)).toEqual(['d']);
  });

  it('moves the cursor only when told, never backwards and never ahead', async () => {
    const { stores } = await startStores({ engine });
    const one = await stores.log.append(payload('one'));
    const two = await stores.log.append(payload('two'));
    const reader = await stores.log.reader('careful', 'first');
    await reader.next(1_000_000);
    expect(reader.position).toBe(one.position);
    reader.advance(two.position);
    reader.advance(one.position);
    expect(reader.position).toBe(two.position);
    expect(() => reader.advance(beyond(two.end))).toThrow(RangeError);
  });

  it('lets one reader of a name be open at a time, and the next go on where it stood', async () => {
    const { stores } = await startStores({ engine });
    for (const text of ['a', 'b']) await stores.log.append(payload(text));
    const reader = await stores.log.reader('mqtt', 'first');
    await expect(stores.log.reader('mqtt', 'first')).rejects.toThrow('open already');
    expect(await takeTexts(reader, 1, 1)).toEqual(['a']);
    reader.close();
    expect(await takeTexts(await stores.log.reader('mqtt', 'first'), 1)).toEqual(['b']);
  });

  it('ends a waiting reader with nothing, by close and by stop', async () => {
    const { stores } = await startStores({ engine });
    const closed = await stores.log.reader('closed', 'end');
    const stopped = await stores.log.reader('stopped', 'end');
    const waiting = [closed.next(1), stopped.next(1)];
    closed.close();
    expect(await waiting[0]).toEqual([]);
    await stores.stop();
    expect(await waiting[1]).toEqual([]);
    expect(await closed.next(1)).toEqual([]);
  });

  it('finishes what was appended before a stop, refuses what comes after, and stops twice', async () => {
    const { stores } = await startStores({ engine });
    const before = stores.log.append(payload('before'));
    const stop = stores.stop();
    await expect(stores.log.append(payload('after'))).rejects.toMatchObject({ code: 'stopped' });
    await stop;
    await expect(before).resolves.toMatchObject({ position: 0 });
    await stores.stop();
  });
}
