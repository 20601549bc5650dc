/** What every store of jobs promises (broker/store/command-ports.ts), whatever the engine. */
import { expect, it } from 'vitest';
import type { JobQuery, JobRow } from '../../broker/store/command-ports.ts';
import { startStores } from './harness.ts';
import { bytesOf, textOfBytes } from './rows.ts';

function job(number: number, changes: Partial<JobRow> = {}): JobRow {
  const bytes = bytesOf(`job ${number}`);
  return {
    id: `j${number}`,
    customer: 'acme',
    number,
    createdAt: 1,
    endedAt: null,
    targets: bytes,
    body: bytes,
    ...changes,
  };
}

const everything = { customer: '*', before: null, limit: 100 } as const;

export function jobContract(engine: 'files' | 'memory'): void {
  it('are found by their customer and by an admin, and come back whole', async () => {
    const { database } = (await startStores({ engine })).stores;
    await database.insertJob(job(1, { targets: bytesOf('targets') }));
    const found = await database.findJob('acme', 'j1');
    expect(found && { ...found, targets: textOfBytes(found.targets), body: textOfBytes(found.body) }).toEqual(
      {
        ...job(1),
        targets: 'targets',
        body: 'job 1',
      },
    );
    expect(await database.findJob('*', 'j1')).not.toBeNull();
    expect(await database.findJob('other', 'j1')).toBeNull();
    expect(await database.findJob('acme', 'unknown')).toBeNull();
  });

  it('of a taken id are refused, and change nothing', async () => {
    const { database } = (await startStores({ engine })).stores;
    await database.insertJob(job(1));
    await expect(database.insertJob(job(2, { id: 'j1' }))).rejects.toMatchObject({ code: 'exists' });
    expect((await database.listJobs(everything)).items.map(({ number }) => number)).toEqual([1]);
  });

  it('are updated in what changes, their targets never', async () => {
    const { database } = (await startStores({ engine })).stores;
    await database.insertJob(job(1, { targets: bytesOf('targets') }));
    await database.updateJob({ id: 'j1', endedAt: 9, body: bytesOf('over') });
    await database.updateJob({ id: 'unknown', endedAt: 9, body: bytesOf('') });
    const [found, ...others] = (await database.listJobs(everything)).items;
    expect(others).toEqual([]);
    expect(found?.endedAt).toBe(9);
    expect(found && [textOfBytes(found.targets), textOfBytes(found.body)]).toEqual(['targets', 'over']);
  });

  it('are listed newest first, page after page, and the open ones oldest first', async () => {
    const { database } = (await startStores({ engine })).stores;
    for (const row of [job(3), job(1), job(2, { customer: 'other' }), job(4, { endedAt: 5 })])
      await database.insertJob(row);
    const listed = async (query: Partial<JobQuery>) =>
      (await database.listJobs({ ...everything, ...query })).items.map(({ id }) => id);
    expect(await listed({})).toEqual(['j4', 'j3', 'j2', 'j1']);
    expect(await listed({ customer: 'acme' })).toEqual(['j4', 'j3', 'j1']);
    expect(await listed({ customer: 'acme', before: 4, limit: 1 })).toEqual(['j3']);
    expect((await database.listJobs({ ...everything, limit: 2 })).next).toBe(3);
    expect((await database.listJobs({ ...everything, limit: 4 })).next).toBeNull();
    expect((await database.loadOpenJobs()).map(({ id }) => id)).toEqual(['j1', 'j2', 'j3']);
  });

  it('that ended long ago are deleted in portions, and their numbers are not given again', async () => {
    const { database } = (await startStores({ engine })).stores;
    expect(await database.lastJobNumber()).toBe(0);
    for (const row of [job(1), job(2, { endedAt: 200 }), job(3, { endedAt: 100 })])
      await database.insertJob(row);
    expect(await database.deleteEndedJobs(300, 1)).toBe(1);
    expect(await database.deleteEndedJobs(300, 10)).toBe(1);
    expect((await database.listJobs(everything)).items.map(({ id }) => id)).toEqual(['j1']);
    expect(await database.lastJobNumber()).toBe(3);
  });
}
