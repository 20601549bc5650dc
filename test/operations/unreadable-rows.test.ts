/** Rows that SQLite reads and the broker does not: the refusal names a way on, and that way works. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import type { State } from '../../schemas/api.ts';
import { BrokerProcess, startProcess } from '../helpers/broker-process.ts';
import { connect } from '../helpers/device.ts';

/** A data folder in which pump-7 has sent a reading, changed by `sql` behind the broker's back, which somebody accepts. */
async function changedFolder(sql: string): Promise<string> {
  const broker = await startProcess();
  const device = await connect(broker.url, { key: await broker.deviceKey('acme', 'pump-7') });
  device.send(encodeHello({ boot: 1, ackWithin: 0 }));
  device.send(encodeTelemetry(1, null, { n: 1 }));
  await device.acknowledged(1);
  expect(await broker.stop()).toBe(0);
  const database = new SqliteDatabase(join(broker.data, 'signalbox.db'));
  database.exec(sql);
  database.close();
  writeFileSync(join(broker.data, 'accept-database'), '');
  return broker.data;
}

async function refusal(data: string): Promise<string> {
  const broker = new BrokerProcess({ data });
  onTestFinished(() => void broker.child.kill('SIGKILL'));
  expect(await broker.exited).toBe(1);
  return broker.log.findLast(({ level }) => level === 50)?.msg ?? '';
}

it.each([
  ['a device', "UPDATE devices SET body = x'ff'"],
  ['a document', "INSERT INTO desired VALUES ('acme', 'pump-7', 0, x'ff')"],
  [
    'what people say of a device',
    "INSERT INTO registered_devices VALUES ('acme', 'x', 1, NULL, 'no JSON', NULL)",
  ],
])('"I accepted the database, and the start ended with a stack trace" (%s)', async (_what, sql) => {
  const data = await changedFolder(sql);
  const message = await refusal(data);
  const file = join(data, 'signalbox.db');
  expect(message).toContain(`move ${file}, ${file}-wal and ${file}-shm away, touch ${data}/accept-database`);
  // Word for word; the last two are gone since the process has ended.
  renameSync(file, join(data, 'away.db'));
  writeFileSync(join(data, 'accept-database'), '');
  const next = await startProcess({ data });
  expect(await next.api<State>('/devices/acme/pump-7/state')).toMatchObject({ values: { n: { value: 1 } } });
});
