import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { keyIdOf } from '../../broker/access/key-text.ts';
import { keyWorld } from './key-world.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

describe('a key', () => {
  it('is told once: the store holds its hash and nothing of its text', async () => {
    const world = await keyWorld();
    const { row, key } = await world.create();
    const stored = await world.stored(row.id);
    expect(Buffer.from(stored.hash).toString('hex')).toBe(createHash('sha256').update(key).digest('hex'));
    expect(JSON.stringify(stored)).not.toContain(key.slice(13));
  });

  it('is known by its text, after a restart too', async () => {
    const world = await keyWorld();
    const { row, key } = await world.create({ device: 'pump-7', label: 'pump' });
    expect(world.keys.authenticate(key)?.id).toBe(row.id);
    await world.restart();
    const found = world.keys.authenticate(key);
    expect(found).toMatchObject({
      id: row.id,
      customer: 'acme',
      device: 'pump-7',
      role: 'device',
      label: 'pump',
    });
  });

  it('is not known by a text that is mistyped, made up, or has another secret', async () => {
    const world = await keyWorld();
    const { key } = await world.create();
    const other = await world.create();
    await world.keys.revoke(other.row.id);
    for (const text of ['', 'nonsense', `${key}x`, key.toLowerCase(), other.key]) {
      expect(world.keys.authenticate(text)).toBeNull();
    }
  });

  it('with the id of a valid key and a checksum that fits opens nothing without the secret', async () => {
    const world = await keyWorld();
    const stranger = await keyWorld();
    const { row } = await world.create();
    const forged = await stranger.create();
    const text = withId(forged.key, row.id);
    expect(keyIdOf(text)).toBe(row.id);
    expect(world.keys.authenticate(text)).toBeNull();
  });

  it('of an admin has every customer, whatever was asked for', async () => {
    const world = await keyWorld();
    const { row } = await world.create({ role: 'admin', customer: 'acme' });
    expect(row.customer).toBe('*');
  });

  it('lists a customer once one names it, and keeps it when its keys are gone', async () => {
    const world = await keyWorld();
    await world.create({ customer: 'globex' });
    await world.create({ role: 'admin' });
    const { row } = await world.create({ customer: 'acme' });
    await world.keys.revoke(row.id);
    expect(world.keys.customers()).toEqual(['acme', 'globex']);
  });

  it('is listed with those of its customer, oldest first, while it is valid', async () => {
    const world = await keyWorld();
    const first = await world.create();
    const gone = await world.create();
    const other = await world.create({ customer: 'globex' });
    const short = await world.create({ expiresAt: world.clock.now() + 1000 });
    await world.keys.revoke(gone.row.id);
    expect(world.keys.list('acme').map(({ id }) => id)).toEqual([first.row.id, short.row.id]);
    expect(world.keys.list('*').map(({ id }) => id)).toEqual([first.row.id, other.row.id, short.row.id]);
    world.clock.advance(1000);
    expect(world.keys.list('acme').map(({ id }) => id)).toEqual([first.row.id]);
    expect(world.keys.find(short.row.id)).toBeNull();
  });
});

describe('when a key was used', () => {
  it('is stored about a minute later, and at a stop', async () => {
    const world = await keyWorld();
    const { row, key } = await world.create();
    world.clock.advance(500);
    const usedAt = world.clock.now();
    world.keys.authenticate(key);
    expect((await world.stored(row.id)).lastUsedAt).toBeNull();
    world.clock.advance(60_000);
    await world.keys.flush();
    expect((await world.stored(row.id)).lastUsedAt).toBe(usedAt);
    world.keys.authenticate(key);
    const again = world.clock.now();
    await world.keys.stop();
    expect((await world.stored(row.id)).lastUsedAt).toBe(again);
  });

  it('is stored later if the store could not take it', async () => {
    const world = await keyWorld();
    const { row, key } = await world.create();
    world.keys.authenticate(key);
    const { updateKeys } = world.database;
    world.database.updateKeys = () => Promise.reject(new Error('busy'));
    await expect(world.keys.flush()).rejects.toThrow('busy');
    world.database.updateKeys = updateKeys;
    await world.keys.flush();
    expect((await world.stored(row.id)).lastUsedAt).toBe(world.clock.now());
  });

  it('leaves no timer behind after a stop, and a second stop does nothing', async () => {
    const world = await keyWorld();
    await world.keys.stop();
    await world.keys.stop();
    expect(world.clock.pending).toBe(0);
  });
});

/** The key with another id, and with the checksum that belongs to it. */
function withId(key: string, id: string): string {
  const body = `sbx_${id}${key.slice(12, -6)}`;
  let rest = BigInt(crc32(body));
  let checksum = '';
  while (checksum.length < 6) {
    checksum = BASE62[Number(rest % 62n)] + checksum;
    rest /= 62n;
  }
  return body + checksum;
}
