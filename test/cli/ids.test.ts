/** The broker's own ids are arguments of the command line as they stand. */
import { expect, it } from 'vitest';
import { systemEnvironment } from '../../broker/main.ts';

it('"I copied the id of my job from the list, and it was an unknown option"', () => {
  const ids = Array.from({ length: 5000 }, () => systemEnvironment.commandId());
  expect(ids.filter((id) => !/^[A-Za-z0-9_][A-Za-z0-9_-]{15}$/.test(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
});
