import { describe, expect, it } from 'vitest';
import type { KeyRow } from '../../broker/store/ports.ts';
import { HOUR, type KeyWorld, keyWorld } from './key-world.ts';

describe('revoking a key', () => {
  it('ends it at once, tells who uses it, and holds after a crash', async () => {
    const world = await keyWorld();
    const { row, key } = await world.create();
    const other = await world.create();
    expect(await world.keys.revoke(row.id)).toBe(true);
    expect(world.ended).toEqual([[row.id, 'revoked']]);
    expect(world.keys.authenticate(key)).toBeNull();
    expect(world.keys.authenticate(other.key)).not.toBeNull();
    await world.reload();
    expect(world.keys.authenticate(key)).toBeNull();
  });

  it('twice, or of a key that there is not, says so and tells nobody', async () => {
    const world = await keyWorld();
    const { row } = await world.create();
    await world.keys.revoke(row.id);
    expect(await world.keys.revoke(row.id)).toBe(false);
    expect(await world.keys.revoke('00000000')).toBe(false);
    expect(world.ended).toHaveLength(1);
  });

  it('is not taken back by a use of the key that is stored at the same time', async () => {
    const world = await keyWorld();
    const { row, key } = await world.create();
    world.keys.authenticate(key);
    await Promise.all([world.keys.revoke(row.id), world.keys.flush()]);
    expect((await world.stored(row.id)).revokedAt).toBe(world.clock.now());
  });

  it('is not taken back by a rotation that is under way', async () => {
    const world = await keyWorld();
    const { row, key } = await world.create();
    const rotation = world.keys.rotate(row.id, HOUR);
    await world.keys.revoke(row.id);
    await rotation;
    expect((await world.stored(row.id)).revokedAt).not.toBeNull();
    expect(world.keys.authenticate(key)).toBeNull();
  });

  it('that the store does not take leaves the key as it was', async () => {
    const world = await keyWorld();
    const { row, key } = await world.create();
    refuseUpdates(world);
    await expect(world.keys.revoke(row.id)).rejects.toThrow('disk');
    expect(world.keys.authenticate(key)).not.toBeNull();
    expect(world.ended).toEqual([]);
  });

  it('works after a write that failed', async () => {
    const world = await keyWorld();
    const { row } = await world.create();
    const accept = refuseUpdates(world);
    await expect(world.keys.revoke(row.id)).rejects.toThrow('disk');
    accept();
    expect(await world.keys.revoke(row.id)).toBe(true);
  });
});

describe('a key with an end', () => {
  it('is valid up to it, and its connections hear of it within a second', async () => {
    const world = await keyWorld();
    const { row, key } = await world.create({ expiresAt: world.clock.now() + HOUR + 300 });
    world.clock.advance(HOUR + 299);
    expect(world.keys.authenticate(key)).not.toBeNull();
    world.clock.advance(1);
    expect(world.keys.authenticate(key)).toBeNull();
    world.clock.advance(1000);
    expect(world.ended).toEqual([[row.id, 'expired']]);
    world.clock.advance(HOUR);
    expect(world.ended).toHaveLength(1);
  });

  it('that came after a restart tells it too', async () => {
    const world = await keyWorld();
    const { row } = await world.create({ expiresAt: world.clock.now() + HOUR });
    await world.restart();
    world.clock.advance(HOUR + 1000);
    expect(world.ended).toEqual([[row.id, 'expired']]);
  });

  it('that was revoked before is not told twice', async () => {
    const world = await keyWorld();
    const { row } = await world.create({ expiresAt: world.clock.now() + HOUR });
    await world.keys.revoke(row.id);
    world.clock.advance(2 * HOUR);
    expect(world.ended).toEqual([[row.id, 'revoked']]);
  });
});

describe('rotating a key', () => {
  it('gives a new one with the same rights; both work until the overlap is over', async () => {
    const world = await keyWorld();
    const old = await world.create({ device: 'pump-7', label: 'pump' });
    const fresh = await world.keys.rotate(old.row.id, 24 * HOUR);
    expect(fresh.row).toMatchObject({ customer: 'acme', device: 'pump-7', role: 'device', label: 'pump' });
    world.clock.advance(24 * HOUR - 1);
    expect(world.keys.authenticate(old.key)).not.toBeNull();
    expect(world.keys.authenticate(fresh.key)).not.toBeNull();
    world.clock.advance(1000);
    expect(world.keys.authenticate(old.key)).toBeNull();
    expect(world.keys.authenticate(fresh.key)).not.toBeNull();
    expect(world.ended).toEqual([[old.row.id, 'expired']]);
  });

  it('without an overlap ends the old one within a second', async () => {
    const world = await keyWorld();
    const old = await world.create();
    await world.keys.rotate(old.row.id, 0);
    expect(world.keys.authenticate(old.key)).toBeNull();
    world.clock.advance(1000);
    expect(world.ended).toEqual([[old.row.id, 'expired']]);
  });

  it('does not let the old one live longer than it would have', async () => {
    const world = await keyWorld();
    const expiresAt = world.clock.now() + HOUR;
    const old = await world.create({ expiresAt });
    await world.keys.rotate(old.row.id, 24 * HOUR);
    expect((await world.stored(old.row.id)).expiresAt).toBe(expiresAt);
  });

  it('gives the new one as long a life as the old one had', async () => {
    const world = await keyWorld();
    const old = await world.create({ expiresAt: world.clock.now() + 90 * HOUR });
    world.clock.advance(80 * HOUR);
    const fresh = await world.keys.rotate(old.row.id, HOUR);
    expect(fresh.row.expiresAt).toBe(world.clock.now() + 90 * HOUR);
  });

  it('is refused for a key that is over', async () => {
    const world = await keyWorld();
    const { row } = await world.create();
    await world.keys.revoke(row.id);
    await expect(world.keys.rotate(row.id, HOUR)).rejects.toThrow(row.id);
  });
});

/** Returns how to let the store take updates again. */
function refuseUpdates({ database }: KeyWorld): () => void {
  const { updateKeys } = database;
  database.updateKeys = (_rows: readonly KeyRow[]) => Promise.reject(new Error('disk'));
  return () => {
    database.updateKeys = updateKeys;
  };
}
