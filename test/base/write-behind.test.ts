import { describe, expect, it } from 'vitest';
import { WriteBehind } from '../../broker/base/write-behind.ts';
import { FakeClock } from '../helpers/clock.ts';
import { type LogLine, recordingLog } from '../helpers/log.ts';

/** Saves hang until the test lets them through. */
function setUp(group?: number) {
  const clock = new FakeClock();
  const lines: LogLine[] = [];
  const saves: { items: readonly string[]; end: (error?: Error) => Promise<void> }[] = [];
  const behind = new WriteBehind<string>({
    save: (items) =>
      new Promise((resolve, reject) => {
        const end = async (error?: Error) => {
          if (error) reject(error);
          else resolve();
          await new Promise(setImmediate);
        };
        saves.push({ items, end });
      }),
    ...(group === undefined ? {} : { group }),
    delay: 100,
    clock,
    logger: recordingLog(lines),
    failure: 'Things could not be saved.',
  });
  return { clock, lines, saves, behind, turn: () => new Promise(setImmediate) };
}

describe('what is written behind', () => {
  it('of one turn is one save, and of the time of a save the next', async () => {
    const { saves, behind, turn } = setUp();
    behind.add('a');
    const first = behind.flush();
    behind.add('b');
    await turn();
    behind.add('c');
    const second = behind.flush();
    behind.add('a');
    await turn();
    expect(saves.map(({ items }) => items)).toEqual([['a', 'b']]);
    await saves[0]?.end();
    await first;
    expect(saves.map(({ items }) => items)).toEqual([
      ['a', 'b'],
      ['c', 'a'],
    ]);
    await saves[1]?.end();
    await second;
    expect(behind.size).toBe(0);
  });

  it('is durable before a flush resolves, also one that has nothing to add', async () => {
    const { saves, behind, turn } = setUp();
    behind.add('a');
    behind.flush();
    await turn();
    let state = 'waiting';
    const flushed = behind.flush().then(() => {
      state = 'durable';
    });
    await turn();
    expect(state).toBe('waiting');
    await saves[0]?.end();
    await flushed;
    expect(saves).toHaveLength(1);
  });

  it('stays when its save failed, before what is newer, and groups that were saved do not', async () => {
    const { saves, behind, turn } = setUp(2);
    for (const item of ['a', 'b', 'c', 'd', 'e']) behind.add(item);
    const failing = behind.flush();
    failing.catch(() => {});
    await turn();
    await saves[0]?.end();
    behind.add('f');
    behind.add('c');
    await saves[1]?.end(new Error('full'));
    await expect(failing).rejects.toThrow('full');
    expect(behind.size).toBe(4);
    const again = behind.flush();
    await turn();
    for (const at of [2, 3]) await saves[at]?.end();
    await again;
    expect(saves.slice(2).map(({ items }) => items)).toEqual([
      ['c', 'd'],
      ['e', 'f'],
    ]);
  });

  it('is saved within its delay, and the log says so if that fails', async () => {
    const { clock, lines, saves, behind, turn } = setUp();
    behind.addSoon('a');
    clock.advance(60);
    behind.addSoon('b');
    clock.advance(39);
    await turn();
    expect(saves).toEqual([]);
    clock.advance(1);
    await turn();
    expect(saves.map(({ items }) => items)).toEqual([['a', 'b']]);
    await saves[0]?.end(new Error('full'));
    expect(lines).toMatchObject([{ level: 'error', message: 'Things could not be saved.' }]);
  });

  it('waits for a flush once it is stopped', async () => {
    const { clock, saves, behind, turn } = setUp();
    behind.addSoon('a');
    behind.stop();
    behind.stop();
    behind.addSoon('b');
    behind.add('c');
    behind.delete('c');
    expect(clock.pending).toBe(0);
    const flushed = behind.flush();
    await turn();
    await saves[0]?.end();
    await flushed;
    expect(saves.map(({ items }) => items)).toEqual([['a', 'b']]);
  });
});
