import { expect, it } from 'vitest';
import { inBackground } from '../../broker/base/background.ts';
import { type LogLine, recordingLog } from '../helpers/log.ts';

it('work that nobody waits for says in the log that it failed, and never rejects', async () => {
  const lines: LogLine[] = [];
  const error = new Error('The store has failed.');
  const logger = recordingLog(lines);
  await inBackground(Promise.reject(error), logger, 'Jobs could not be saved.', { job: 'j1' });
  await inBackground(Promise.resolve(7), logger, 'Not said.');
  expect(lines).toMatchObject([
    { level: 'error', message: 'Jobs could not be saved.', fields: { err: error, job: 'j1' } },
  ]);
});
