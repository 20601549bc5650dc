/** The file of seen commands survives a crash at any byte, stays small, and is never another's. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { resultFrame } from '../../client/command-result.ts';
import { SeenCommands } from '../../client/seen-commands.ts';
import { SeenJournal } from '../../client/seen-file.ts';
import { FakeClock } from '../helpers/clock.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

function open(path: string, faults: string[] = []) {
  const onFault = (error: Error) => void faults.push(error.message);
  const journal = new SeenJournal({ path, clock: new FakeClock(), onFault });
  return { journal, seen: new SeenCommands(200, journal, journal.known) };
}

/** id → state, as a restart finds it. */
function found(path: string): Record<string, string> {
  const { journal } = open(path);
  journal.close();
  return Object.fromEntries([...journal.known].map(([id, { state }]) => [id, state]));
}

const done = (id: string, data: string | null = null) => [id, 'done', resultFrame(id, 'done', data)] as const;

it('holds what was taken, finished and settled', () => {
  const path = join(temporaryFolder(), 'commands');
  const { journal, seen } = open(path);
  for (const id of ['c-1', 'c-2', 'c-3']) seen.add(id);
  seen.finish(...done('c-1'));
  seen.finish(...done('c-2'));
  seen.settle('c-1');
  seen.settle('c-3');
  journal.close();
  journal.close();
  expect(found(path)).toEqual({ 'c-1': 'settled', 'c-2': 'final', 'c-3': 'taken' });
  expect(found(path)).toEqual({ 'c-1': 'settled', 'c-2': 'final', 'c-3': 'taken' });
});

it('is cut at the last good record, wherever a crash tore it', () => {
  const path = join(temporaryFolder(), 'commands');
  const { journal, seen } = open(path);
  seen.add('c-1');
  seen.finish(...done('c-1'));
  const whole = statSync(path).size;
  seen.add('c-2');
  journal.close();
  const bytes = readFileSync(path);
  for (let length = whole; length < bytes.length; length += 1) {
    writeFileSync(path, bytes.subarray(0, length));
    expect(found(path)).toEqual({ 'c-1': 'final' });
  }
});

it('says so when it is damaged in the middle, and goes on with what is good', () => {
  const path = join(temporaryFolder(), 'commands');
  const { journal, seen } = open(path);
  for (const id of ['first', 'second', 'third']) seen.add(id);
  journal.close();
  const bytes = readFileSync(path);
  bytes[bytes.indexOf('second')] = 0;
  writeFileSync(path, bytes);
  const faults: string[] = [];
  const again = open(path, faults);
  again.journal.close();
  expect(faults).toEqual([expect.stringContaining('commands noted after it may be executed again')]);
  expect([...again.journal.known.keys()]).toEqual(['first']);
});

it('stays small however many commands pass through it', () => {
  const path = join(temporaryFolder(), 'commands');
  const { journal, seen } = open(path);
  for (let number = 0; number < 1500; number += 1) {
    const id = `c-${number}`;
    seen.add(id);
    seen.finish(...done(id, 'x'.repeat(100)));
    seen.settle(id);
    expect(statSync(path).size).toBeLessThan(200_000);
  }
  journal.close();
  expect(Object.keys(found(path))).toContain('c-1499');
  expect(open(path).seen.find('c-1300')).toMatchObject({ state: 'settled', status: 'done' });
  expect(open(path).seen.find('c-1299')).toBeUndefined();
});

it('is not taken for one when it is an outbox or anything else', () => {
  const path = join(temporaryFolder(), 'notes');
  writeFileSync(path, 'not a list of commands');
  expect(() => open(path)).toThrow('is no file of seen commands');
  expect(readFileSync(path, 'utf8')).toBe('not a list of commands');
});

it('keeps how commands ended when there is no room for what they said', () => {
  const seen = new SeenCommands(1000, null);
  for (let number = 0; number < 300; number += 1) {
    seen.add(`c-${number}`);
    seen.finish(...done(`c-${number}`, 'x'.repeat(4000)));
  }
  expect(seen.find('c-0')).toEqual({
    state: 'final',
    status: 'done',
    frame: resultFrame('c-0', 'done', null),
  });
  expect(seen.find('c-299')).toMatchObject({ frame: resultFrame('c-299', 'done', 'x'.repeat(4000)) });
});
