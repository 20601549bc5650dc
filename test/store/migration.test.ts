/** An upgrade: a database of an older version keeps what it holds and gets what is new. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { positionOf } from '../../broker/store/position.ts';
import { everyPage } from '../../broker/store/subject.ts';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { startBroker, type TestBroker } from '../helpers/broker.ts';
import { connect } from '../helpers/device.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { startStores } from './harness.ts';
import { ROW_WITHOUT_PARTS } from './row-without-parts.ts';

const SQL = join(import.meta.dirname, '../../schemas/sql');
const APPLICATION_ID = 0x53424f58;

function firstVersion(folder: string): void {
  const database = new SqliteDatabase(join(folder, 'signalbox.db'));
  database.exec(readFileSync(join(SQL, 'migrations/001-first.sql'), 'utf8'));
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma('user_version = 1');
  database.exec("INSERT INTO devices VALUES ('acme', 'pump', 5, x'61')");
  database.exec("INSERT INTO cursors VALUES ('mqtt', 42)");
  for (const [id, device, revoked, used] of KEYS) {
    database
      .prepare("INSERT INTO keys VALUES (?, zeroblob(32), 'acme', ?, 'device', NULL, 7, NULL, ?, ?)")
      .run(id, device, revoked, used);
  }
  database.close();
}

/** [id, device, revoked at, last used at] */
const KEYS = [
  ['fresh', 'new', null, null],
  ['again', 'new', null, null],
  ['used', 'pump', null, 9],
  ['revoked', 'never', 8, null],
  ['fleet', null, null, null],
] as const;

describe('a data folder of the first version', () => {
  it('keeps its devices and cursors, and takes commands', async () => {
    const folder = temporaryFolder();
    firstVersion(folder);
    const { stores } = await startStores({ folder });
    const devices: string[] = [];
    for await (const page of everyPage(stores.database.loadDevices))
      devices.push(...page.map(({ device }) => device));
    expect(devices).toEqual(['pump']);
    expect(await stores.database.loadCursors()).toEqual({ mqtt: 42 });
    const registered: unknown[] = [];
    for await (const page of everyPage(stores.database.loadRegistered)) registered.push(...page);
    const blank = { label: null, tags: [], notes: null };
    expect(registered).toEqual([{ customer: 'acme', device: 'new', registeredAt: 7, ...blank }]);
    expect(await stores.database.lastCommandNumber()).toBe(0);
    await stores.database.saveCommands([
      {
        customer: 'acme',
        device: 'pump',
        id: 'c1',
        number: 1,
        status: 'queued',
        createdAt: 1000,
        endedAt: null,
        job: null,
        position: positionOf(0),
        body: new Uint8Array([1]),
      },
    ]);
    expect(await stores.database.findCommands('acme', 'c1')).toMatchObject([{ number: 1, device: 'pump' }]);
  });
});

/** As the last version before state had parts left it. */
function withoutParts(folder: string): void {
  const database = new SqliteDatabase(join(folder, 'signalbox.db'));
  for (const file of ['001-first.sql', '002-commands.sql']) {
    database.exec(readFileSync(join(SQL, 'migrations', file), 'utf8'));
  }
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma('user_version = 2');
  database.prepare("INSERT INTO devices VALUES ('acme', 'pump', 0, ?)").run(ROW_WITHOUT_PARTS);
  database.close();
}

describe('a data folder of before the state of a device had parts', () => {
  it('keeps every value, over the next report and the restarts after it', async () => {
    const data = temporaryFolder();
    withoutParts(data);
    const old: Record<string, unknown> = { big: new Uint8Array(600).fill(7) };
    for (let index = 0; index < 20; index += 1) old[`m${index}`] = index + 0.5;
    const valuesOf = ({ broker }: TestBroker) => {
      const pump = broker.parts.fleet.find('acme', 'pump');
      const metrics = pump ? [...pump.metrics.changedSince(0)] : [];
      const plain = metrics.map(({ name, value }) => [
        name,
        value instanceof Uint8Array ? new Uint8Array(value) : value,
      ]);
      return {
        ...pump?.description,
        durable: pump?.boots.enter('u7').durable,
        values: Object.fromEntries(plain),
      };
    };

    const first = await startBroker({ data });
    expect(valuesOf(first)).toMatchObject({ model: 'P7', meta: { room: 'B' }, durable: 12, values: old });
    const device = await connect(first.url, { key: await first.key('device', 'acme', 'pump') });
    device.send(encodeHello({ boot: 7 }), encodeTelemetry(13, null, { m18: 100 }));
    await device.acknowledged(13);
    await first.broker.stop();

    for (let restart = 0; restart < 2; restart += 1) {
      const next = await startBroker({ data });
      expect(valuesOf(next)).toMatchObject({ model: 'P7', durable: 13, values: { ...old, m18: 100 } });
      await next.broker.stop();
    }
  });
});
