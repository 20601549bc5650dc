import { expect, it } from 'vitest';
import { Counters } from '../../broker/hub/counters.ts';
import { EventFeed } from '../../broker/hub/fleet/events.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { Ingest } from '../../broker/hub/telemetry/ingest.ts';
import { restoreFleet } from '../../broker/hub/telemetry/restore.ts';
import { SourceHandle } from '../../broker/store/batch.ts';
import { openMemoryStores } from '../../broker/store/open.ts';
import { encodeBatch, encodeEvent, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FakeClock } from '../helpers/clock.ts';
import { testConfig } from '../helpers/config.ts';

it('P-4.1: a log of before seq 0 was refused is replayed whole', async () => {
  const stores = openMemoryStores(1_000_000);
  await stores.start();
  const { database, log } = stores;
  const { batch } = log;
  const source = { customer: 'acme', device: 'pump', session: 's', boot: null, fields: null };
  const handle = new SourceHandle(source);
  batch.add(handle, 1_780_000_000_000, encodeTelemetry(0, null, { temp: 20 }));
  batch.add(handle, 1_780_000_000_001, encodeBatch(0, null, [[0, { rpm: 900 }]]));
  batch.add(handle, 1_780_000_000_002, encodeEvent(0, null, 4, 'door-open'));
  batch.add(handle, 1_780_000_000_003, encodeTelemetry(1, null, { temp: 21 }));
  await log.append(...batch.take());
  await log.stop();
  const bounds = await log.start();
  const clock = new FakeClock();
  const fleet = new Fleet(new Revisions(0));
  const { store, limits } = testConfig('unused');
  const parts = { log, fleet, events: new EventFeed(), counters: new Counters(), clock };
  const ingest = new Ingest({ ...parts, limits: { ...store, ...limits } });
  const restored = await restoreFleet({ fleet, state: database, log, bounds, ingest, clock });
  expect(restored.replayedFrames).toBe(4);
  expect([...(fleet.find('acme', 'pump')?.metrics.changedSince(0) ?? [])]).toMatchObject([
    { name: 'temp', value: 21 },
    { name: 'rpm', value: 900 },
  ]);
});
