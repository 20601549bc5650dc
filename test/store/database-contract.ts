/** What every database promises (broker/store/ports.ts), whatever the engine. */
import { describe, expect, it } from 'vitest';
import {
  type BrowserSessionRow,
  DATABASE_KINDS,
  type DatabaseMethods,
  type DeviceRow,
  type KeyRow,
  type StatePart,
  type Stores,
} from '../../broker/store/ports.ts';
import { positionOf } from '../../broker/store/position.ts';
import { everyPage } from '../../broker/store/subject.ts';
import { startStores } from './harness.ts';

function device(name: string, position: number, body: string | null): DeviceRow {
  return {
    customer: 'acme',
    device: name,
    position: positionOf(position),
    body: body === null ? null : Buffer.from(body),
  };
}

function key(id: string, changes: Partial<KeyRow> = {}): KeyRow {
  return {
    id,
    hash: new Uint8Array(32).fill(id.length),
    customer: 'acme',
    device: null,
    role: 'operator',
    label: null,
    createdAt: 1_780_000_000_000,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    ...changes,
  };
}

function session(fill: number): BrowserSessionRow {
  return { hash: new Uint8Array(32).fill(fill), keyId: 'key00001', createdAt: 1000, expiresAt: 2000 };
}

async function loadDevices(stores: Stores): Promise<Record<string, string | null>> {
  const devices: Record<string, string | null> = {};
  for await (const page of everyPage(stores.database.loadDevices)) {
    for (const row of page) devices[row.device] = row.body === null ? null : Buffer.from(row.body).toString();
  }
  return devices;
}

function partsOf(parts: Record<number, string | null>): StatePart[] {
  return Object.entries(parts).map(([part, body]) => ({
    part: Number(part),
    body: body === null ? null : Buffer.from(body),
  }));
}

async function loadParts(stores: Stores): Promise<Record<string, Record<number, string>>> {
  const devices: Record<string, Record<number, string>> = {};
  for await (const page of everyPage(stores.database.loadDevices)) {
    for (const { device: name, parts = [] } of page) {
      devices[name] = Object.fromEntries(
        parts.map(({ part, body }) => [part, Buffer.from(body ?? []).toString()]),
      );
    }
  }
  return devices;
}

export function databaseContract(engine: 'files' | 'memory'): void {
  describe('the ceiling of revisions', () => {
    it('is 0 at first, and then only rises', async () => {
      const { stores } = await startStores({ engine });
      const seen = [await stores.database.revisionCeiling()];
      for (const ceiling of [2 ** 52, 5, 2 ** 52 + 1]) {
        await stores.database.raiseRevisionCeiling(ceiling);
        seen.push(await stores.database.revisionCeiling());
      }
      expect(seen).toEqual([0, 2 ** 52, 2 ** 52, 2 ** 52 + 1]);
    });
  });

  describe('last-known state', () => {
    it('gives back every row, more than a page of them, once', async () => {
      const { stores } = await startStores({ engine });
      expect(await loadDevices(stores)).toEqual({});
      const rows = Array.from({ length: 2500 }, (_, index) => device(`pump-${index}`, 1, `body ${index}`));
      await stores.database.saveDevices(rows);
      const loaded = await loadDevices(stores);
      expect(Object.keys(loaded)).toHaveLength(2500);
      expect(loaded['pump-2499']).toBe('body 2499');
    });

    it('comes in one page as long as it fits, and in the next one what comes after', async () => {
      const { database } = (await startStores({ engine })).stores;
      const rows = Array.from({ length: 1001 }, (_, index) => device(`pump-${1000 + index}`, 1, 'x'));
      await database.saveDevices(rows.slice(1));
      expect(await database.loadDevices(null)).toMatchObject({ items: { length: 1000 }, next: null });
      await database.saveDevices(rows);
      const { items, next } = await database.loadDevices(null);
      expect([items.length, next]).toEqual([1000, { customer: 'acme', device: 'pump-1999' }]);
      expect(await database.loadDevices(next)).toMatchObject({
        items: [{ device: 'pump-2000' }],
        next: null,
      });
    });

    it('keeps the row of the higher position, and takes the same one again', async () => {
      const { stores } = await startStores({ engine });
      await stores.database.saveDevices([device('pump', 10, 'ten')]);
      await stores.database.saveDevices([device('pump', 9, 'nine')]);
      expect(await loadDevices(stores)).toEqual({ pump: 'ten' });
      await stores.database.saveDevices([device('pump', 10, 'ten again')]);
      expect(await loadDevices(stores)).toEqual({ pump: 'ten again' });
    });

    it('tells devices of the same name and other customers apart', async () => {
      const { stores } = await startStores({ engine });
      const mine = device('pump', 1, 'acme');
      await stores.database.saveDevices([mine, { ...mine, customer: 'other' }]);
      let rows = 0;
      for await (const page of everyPage(stores.database.loadDevices)) rows += page.length;
      expect(rows).toBe(2);
    });

    it('keeps a forgotten device until a checkpoint has passed it, so that replay cannot bring it back', async () => {
      const { stores } = await startStores({ engine });
      await stores.database.saveDevices([
        device('gone', 50, null),
        device('here', 50, ''),
        device('late', 70, null),
      ]);
      await stores.database.setCheckpointPosition(positionOf(50));
      expect(await loadDevices(stores)).toEqual({ gone: null, here: '', late: null });
      await stores.database.setCheckpointPosition(positionOf(51));
      expect(await loadDevices(stores)).toEqual({ here: '', late: null });
    });

    it('keeps the parts of a row that a later save does not mention, replaces those it does, and deletes the empty ones', async () => {
      const { stores } = await startStores({ engine });
      const save = (name: string, position: number, parts: Record<number, string | null>) =>
        stores.database.saveDevices([{ ...device(name, position, 'row'), parts: partsOf(parts) }]);
      await save('pump', 10, { 1: 'one', 2: 'two', [-5]: 'large' });
      await save('valve', 10, { 1: 'other' });
      await save('pump', 11, { 2: 'two again', 3: 'three', [-5]: null, [-6]: null });
      await save('pump', 9, { 1: 'too late', 3: null });
      expect(await loadParts(stores)).toEqual({
        pump: { 1: 'one', 2: 'two again', 3: 'three' },
        valve: { 1: 'other' },
      });
    });

    it('keeps no part of a device that is forgotten', async () => {
      const { stores } = await startStores({ engine });
      const row = { ...device('pump', 10, 'row'), parts: partsOf({ 1: 'one' }) };
      await stores.database.saveDevices([row, { ...row, customer: 'other' }]);
      await stores.database.saveDevices([device('pump', 11, null)]);
      await stores.database.saveDevices([device('pump', 12, 'new')]);
      const parts: [string, number][] = [];
      for await (const page of everyPage(stores.database.loadDevices)) {
        for (const loaded of page) parts.push([loaded.customer, loaded.parts?.length ?? 0]);
      }
      expect(Object.fromEntries(parts)).toEqual({ acme: 0, other: 1 });
    });

    it('gives back rows and parts that are many megabytes together', async () => {
      const { stores } = await startStores({ engine });
      const large = 'x'.repeat(1024 * 1024);
      for (let index = 0; index < 6; index += 1) {
        const row = { ...device(`pump-${index}`, 1, large), parts: partsOf({ 1: large, 2: `of ${index}` }) };
        await stores.database.saveDevices([row]);
      }
      const loaded = await loadParts(stores);
      expect(Object.keys(loaded)).toHaveLength(6);
      expect(loaded['pump-5']).toEqual({ 1: large, 2: 'of 5' });
    });

    it('never moves the checkpoint or a cursor backwards', async () => {
      const { stores } = await startStores({ engine });
      expect(await stores.database.checkpointPosition()).toBe(0);
      await stores.database.setCheckpointPosition(positionOf(100));
      await stores.database.setCheckpointPosition(positionOf(99));
      expect(await stores.database.checkpointPosition()).toBe(100);
      await stores.database.saveCursors({ mqtt: positionOf(7), history: positionOf(2 ** 52) });
      await stores.database.saveCursors({ mqtt: positionOf(6) });
      expect(await stores.database.loadCursors()).toEqual({ mqtt: 7, history: 2 ** 52 });
    });
  });

  describe('keys', () => {
    it('gives back what was inserted, and refuses an id that is taken', async () => {
      const { stores } = await startStores({ engine });
      const rows = [
        key('key00001'),
        key('key00002', { device: 'pump', role: 'device', label: 'Halle 3', expiresAt: 5 }),
      ];
      for (const row of rows) await stores.database.insertKey(row);
      const taken = stores.database.insertKey(key('key00001', { customer: 'other' }));
      await expect(taken).rejects.toMatchObject({ name: 'StoreError', code: 'exists' });
      const loaded = await stores.database.loadKeys();
      expect(loaded.map((row) => ({ ...row, hash: new Uint8Array(row.hash) }))).toEqual(rows);
    });

    it('updates what may change and nothing else', async () => {
      const { stores } = await startStores({ engine });
      await stores.database.insertKey(key('key00001'));
      const changed = { label: 'new', expiresAt: 1, revokedAt: 2, lastUsedAt: 3 };
      await stores.database.updateKeys([
        key('key00001', { ...changed, customer: 'other', role: 'admin' }),
        key('unknown1'),
      ]);
      expect(await stores.database.loadKeys()).toMatchObject([
        { ...changed, customer: 'acme', role: 'operator' },
      ]);
    });

    it('keeps browser sessions until they are deleted, and renews none that is gone', async () => {
      const { stores } = await startStores({ engine });
      for (const fill of [1, 2]) await stores.database.insertBrowserSession(session(fill));
      await stores.database.deleteBrowserSessions([session(1).hash, session(9).hash]);
      const renewed = [1, 2].map((fill) => ({ ...session(fill), expiresAt: 9_000_000 }));
      await stores.database.renewBrowserSessions(renewed);
      const loaded = await stores.database.loadBrowserSessions();
      expect(loaded.map((row) => ({ ...row, hash: new Uint8Array(row.hash) }))).toEqual([renewed[1]]);
    });
  });

  it('refuses everything once it is stopped', async () => {
    const { stores } = await startStores({ engine });
    await stores.stop();
    await expect(stores.database.loadKeys()).rejects.toMatchObject({ code: 'stopped' });
    for (const method of Object.keys(DATABASE_KINDS) as (keyof DatabaseMethods)[]) {
      const call = stores.database[method] as (...args: unknown[]) => Promise<unknown>;
      await expect(call([]), method).rejects.toMatchObject({ code: 'stopped' });
    }
  });
}
