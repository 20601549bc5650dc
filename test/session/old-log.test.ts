import { expect, it } from 'vitest';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { restoreFleet } from '../../broker/hub/telemetry/restore.ts';
import { BatchBuilder, SourceHandle } from '../../broker/store/batch.ts';
import { openMemoryStores } from '../../broker/store/memory/stores.ts';
import { encodeBatch, encodeEvent, encodeTelemetry } from '../../broker/wire/encode.ts';

it('P-4.1: a log of before seq 0 was refused is replayed whole', async () => {
  const stores = openMemoryStores(1_000_000);
  await stores.start();
  const { database, log } = stores;
  const batch = new BatchBuilder();
  const source = { customer: 'acme', device: 'pump', session: 's', boot: null, fields: null };
  const handle = new SourceHandle(source);
  batch.add(handle, 1_780_000_000_000, encodeTelemetry(0, null, { temp: 20 }));
  batch.add(handle, 1_780_000_000_001, encodeBatch(0, null, [[0, { rpm: 900 }]]));
  batch.add(handle, 1_780_000_000_002, encodeEvent(0, null, 4, 'door-open'));
  batch.add(handle, 1_780_000_000_003, encodeTelemetry(1, null, { temp: 21 }));
  const { end } = await log.append(batch.take());
  const fleet = new Fleet(new Revisions(0));
  const bounds = { first: 0, end };
  const restored = await restoreFleet({ fleet, state: database, log, bounds, onControl: () => {} });
  expect(restored.replayedFrames).toBe(4);
  expect([...(fleet.find('acme', 'pump')?.metrics.changedSince(0) ?? [])]).toMatchObject([
    { name: 'temp', value: 21 },
    { name: 'rpm', value: 900 },
  ]);
});
