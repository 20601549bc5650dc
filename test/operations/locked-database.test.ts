/** The sqlite3 shell, or a backup program, that holds signalbox.db of a running broker for longer than a moment. */
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, it } from 'vitest';
import { encodeTelemetry } from '../../broker/wire/encode.ts';
import { startBroker } from '../helpers/broker.ts';
import { connect } from '../helpers/device.ts';
import { eventually } from '../helpers/eventually.ts';

it('does not end the broker: telemetry is acknowledged, readiness says degraded, and what waits goes on', async () => {
  const { broker, url, data, key } = await startBroker();
  const [device, admin] = [await key('device', 'acme', 'pump'), await key('admin', '*')];
  const ask = async (path: string, method = 'GET') => {
    const headers = { Authorization: `Bearer ${admin}` };
    const response = await fetch(`${url}${path}`, { method, headers });
    return { status: response.status, body: (await response.json()) as object };
  };
  const failures: unknown[] = [];
  broker.onFailure((error) => failures.push(error));
  const met = new Promise<void>((resolve) => broker.parts.stores.onObstacle(resolve));
  const other = new SqliteDatabase(join(data, 'signalbox.db'));
  other.exec('BEGIN IMMEDIATE');
  // Noticed by the next who writes: this request, or the checkpoint.
  const created = key('device', 'acme', 'valve');
  await met;

  const pump = await connect(url, { key: device });
  pump.send(encodeTelemetry(1, null, { temp: 20 }));
  expect(await pump.acknowledged(1)).toEqual([1]);
  expect(await ask('/readyz')).toEqual({
    status: 200,
    body: { status: 'degraded', reason: 'database-locked' },
  });
  expect(await ask('/api/v1/devices/acme/pump/state')).toMatchObject({ status: 200 });
  expect(await ask('/api/v1/devices/acme/pump/commands')).toMatchObject({ status: 200 });
  expect(await ask('/api/v1/devices/acme/pump', 'DELETE')).toMatchObject({
    status: 503,
    body: { code: 'store-unavailable', detail: expect.stringContaining('Another program') },
  });

  other.exec('ROLLBACK');
  other.close();
  expect(await created).toMatch(/^sbx_/);
  await eventually(async () => expect(await ask('/readyz')).toMatchObject({ body: { status: 'ready' } }));
  expect(failures).toEqual([]);
});
