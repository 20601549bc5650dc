/** The numbers of changes: they rise, over restarts too, whatever the machine's clock is set to. */
import { describe, expect, it } from 'vitest';
import { RevisionCeiling, Revisions } from '../../broker/hub/fleet/revisions.ts';
import type { Database } from '../../broker/store/ports.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { FakeClock } from '../helpers/clock.ts';
import { silentLog } from '../helpers/log.ts';
import { nextTurn } from '../helpers/session.ts';

async function started(store: Database, clock: FakeClock) {
  const revisions = new Revisions(clock.now());
  const ceiling = new RevisionCeiling({ revisions, store, clock, logger: silentLog });
  await ceiling.start();
  return { revisions, ceiling };
}

describe('revisions', () => {
  it('rise over a restart with the clock set back by years, also if that was a crash', async () => {
    const store = openMemoryDatabase();
    await store.start();
    const clock = new FakeClock();
    const { revisions } = await started(store, clock);
    for (let changes = 0; changes < 1000; changes += 1) revisions.next();
    const last = revisions.current;
    const again = await started(store, new FakeClock(clock.now() - 86_400_000 * 365));
    expect(again.revisions.next()).toBeGreaterThan(last);
  });

  it('are reserved in time, however many there are', async () => {
    const store = openMemoryDatabase();
    await store.start();
    const clock = new FakeClock();
    const { revisions, ceiling } = await started(store, clock);
    for (let minute = 0; minute < 5; minute += 1) {
      // More than half of a reserve at once.
      revisions.raise(revisions.current + 40_000_000);
      clock.advance(5000);
      await nextTurn();
      expect(await store.revisionCeiling()).toBeGreaterThan(revisions.current + 40_000_000);
    }
    ceiling.stop();
    ceiling.stop();
    expect(clock.pending).toBe(0);
  });

  it('do not run ahead of the clock by restarts that are a minute apart', async () => {
    const store = openMemoryDatabase();
    await store.start();
    const clock = new FakeClock();
    for (let restarts = 0; restarts < 10; restarts += 1) {
      const { revisions } = await started(store, clock);
      expect(revisions.current).toBe(clock.now() * 1024);
      clock.advance(60_000);
    }
  });
});
