/** P-8: the tables of codes, the protocol page and the code say the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FRAME } from '../../broker/wire/frames.ts';
import { CLOSE_CODES, ERROR_CODES } from '../../schemas/errors.ts';
import { FRAME_SCHEMAS } from '../../schemas/frames.ts';
import { PROBLEMS } from '../../schemas/problems.ts';
import { PAGE, root, rows } from './page.ts';

/** Codes that no source names, each with the reason. */
const UNNAMED: Readonly<Record<string, string>> = {};

const source = readdirSync(join(root, 'broker'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(root, 'broker', file), 'utf8'))
  .join('\n');

const unused = (codes: readonly string[]) =>
  codes.filter((code) => !source.includes(`'${code}'`) && !(code in UNNAMED));

describe('PROTOCOL.md lists', () => {
  it('P-8: every error code with what it closes and its sentence, and no other', () => {
    const listed = rows(['code', 'closes', 'message']).map(({ code, closes, message }) => [
      code,
      { closes: closes === 'no' ? null : Number(closes), message },
    ]);
    expect(listed).toEqual(Object.entries(ERROR_CODES));
  });

  it('P-7.3: every close code with whether and when to reconnect, and no other', () => {
    const listed = rows(['code', 'name', 'first wait, s', 'delay in the reason', 'meaning']).map((row) => [
      row.code,
      {
        name: row.name,
        wait: row['first wait, s'] === 'never' ? null : Number(row['first wait, s']),
        delayInReason: row['delay in the reason'] === 'yes',
        message: row.meaning,
      },
    ]);
    expect(listed).toEqual(Object.entries(CLOSE_CODES));
  });

  it('P-1.5: every problem code with its status and title, and no other', () => {
    const device = rows(['code', 'status', 'Retry-After', 'title', 'when, and what to do']);
    const all = [...device, ...rows(['code', 'status', 'title'])];
    const listed = all.map(({ code, status, title }) => [code, { status: Number(status), title }] as const);
    expect(listed).toHaveLength(Object.keys(PROBLEMS).length);
    expect(Object.fromEntries(listed)).toEqual(PROBLEMS);
  });

  it('P-2.3: every frame with its number and sender, and no other', () => {
    const listed = rows(['no.', 'frame', 'from', 'layout']);
    expect(listed.map((row) => [row.frame, Number(row['no.'])])).toEqual(Object.entries(FRAME));
    expect(listed.map(({ frame }) => frame)).toEqual(Object.keys(FRAME_SCHEMAS));
    for (const row of listed) {
      expect(row.from).toBe(Number(row['no.']) < 16 ? 'device' : 'broker');
      expect(row.layout).toMatch(new RegExp(`^\\[${row['no.']}, .*\\]$`));
    }
  });

  it('every rule of the protocol under its number', () => {
    const counts = { 1: 6, 2: 5, 3: 3, 4: 6, 5: 4, 6: 1, 7: 5 };
    for (const [chapter, count] of Object.entries(counts)) {
      for (let rule = 1; rule <= count; rule += 1) {
        expect(PAGE).toMatch(new RegExp(`^(- \\*\\*|\\*\\*|### )P-${chapter}\\.${rule}\\b`, 'm'));
      }
    }
  });
});

describe('the broker', () => {
  it('P-8: has a use for every error code', () => {
    expect(unused(Object.keys(ERROR_CODES))).toEqual([]);
  });

  it('P-1.5: has a use for every problem code', () => {
    expect(unused(Object.keys(PROBLEMS))).toEqual([]);
  });

  it('P-7.3: has a use for every close code, by itself or by an error code', () => {
    const byError = new Set<number | null>(Object.values(ERROR_CODES).map(({ closes }) => closes));
    const codes = Object.keys(CLOSE_CODES).map(Number);
    expect(codes.filter((code) => !byError.has(code) && !new RegExp(`\\b${code}\\b`).test(source))).toEqual(
      [],
    );
  });

  it('needs no exception that it does not use', () => {
    expect(Object.keys(UNNAMED).filter((code) => source.includes(`'${code}'`))).toEqual([]);
  });
});
