import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { BrowserSessions } from '../../broker/access/browser-sessions.ts';
import { silentLog } from '../helpers/log.ts';
import { HOUR, type KeyWorld, keyWorld } from './key-world.ts';

const DAY = 24 * HOUR;

describe('a login', () => {
  it('is a cookie of 32 random bytes, of which only the hash is stored', async () => {
    const { world, sessions } = await loginWorld();
    const { row } = await world.create({ role: 'viewer' });
    const { cookie } = await sessions.create(row);
    expect(cookie).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(sessions.find(cookie)?.id).toBe(row.id);
    const [stored] = await world.database.loadBrowserSessions();
    expect(Buffer.from(stored?.hash ?? []).toString('base64url')).not.toBe(cookie);
  });

  it('ends after 12 hours without use, over a restart too, and tells who uses it', async () => {
    const { world, sessions } = await loginWorld();
    const { row } = await world.create({ role: 'viewer' });
    const { cookie, expiresAt } = await sessions.create(row);
    expect(expiresAt).toBe(world.clock.now() + 12 * HOUR);
    const restarted = await sessionsOf(world);
    const ended: string[] = [];
    restarted.onEnded((name) => ended.push(name));
    world.clock.advance(12 * HOUR - 1);
    expect(ended).toEqual([]);
    world.clock.advance(1);
    expect(restarted.find(cookie)).toBeNull();
    world.clock.advance(60_000);
    expect(ended).toHaveLength(1);
    await restarted.flush();
    expect(await world.database.loadBrowserSessions()).toEqual([]);
  });

  it('is renewed by each use, for as long as that goes on, also over a restart', async () => {
    const { world, sessions } = await loginWorld();
    const { row } = await world.create({ role: 'viewer' });
    const { cookie } = await sessions.create(row);
    const writes = vi.spyOn(world.database, 'renewBrowserSessions');
    for (let hour = 0; hour < 48; hour += 1) {
      for (let use = 0; use < 30; use += 1) {
        world.clock.advance(HOUR / 30);
        expect(sessions.find(cookie)?.id).toBe(row.id);
      }
    }
    // Coarsely: once in half an hour, not at each of 1,440 uses.
    expect(writes.mock.calls.length).toBeGreaterThan(40);
    expect(writes.mock.calls.length).toBeLessThan(100);
    const restarted = await sessionsOf(world);
    world.clock.advance(11 * HOUR);
    expect(restarted.find(cookie)?.id).toBe(row.id);
  });

  it('is neither cut short nor made longer by somebody who sets the clock', async () => {
    const { world, sessions } = await loginWorld();
    const { row } = await world.create({ role: 'viewer' });
    const { cookie } = await sessions.create(row);
    world.clock.setWall(world.clock.now() + 30 * DAY);
    world.clock.advance(12 * HOUR - 2000);
    expect(sessions.find(cookie)).not.toBeNull();
    world.clock.setWall(world.clock.now() - 60 * DAY);
    const restarted = await sessionsOf(world);
    world.clock.advance(12 * HOUR);
    expect(restarted.find(cookie)).toBeNull();
  });

  it('tells who uses it when it is logged out', async () => {
    const { world, sessions } = await loginWorld();
    const { row } = await world.create({ role: 'viewer' });
    const { cookie } = await sessions.create(row);
    const name = sessions.findLogin(cookie)?.name;
    const ended: string[] = [];
    sessions.onEnded((login) => ended.push(login));
    await sessions.end(cookie);
    expect(ended).toEqual([name]);
    expect(JSON.stringify(ended)).not.toContain(cookie);
  });

  it('ends with its key: no later than it expires, and when it is revoked', async () => {
    const { world, sessions } = await loginWorld();
    const end = world.clock.now() + HOUR;
    const short = await world.create({ role: 'viewer', expiresAt: end });
    const long = await world.create({ role: 'viewer' });
    const first = await sessions.create(short.row);
    const second = await sessions.create(long.row);
    expect(first.expiresAt).toBe(end);
    world.clock.advance(HOUR);
    expect(sessions.find(first.cookie)).toBeNull();
    await world.keys.revoke(long.row.id);
    expect(sessions.find(second.cookie)).toBeNull();
  });

  it('ends at a logout, and that one only', async () => {
    const { world, sessions } = await loginWorld();
    const { row } = await world.create({ role: 'viewer' });
    const first = await sessions.create(row);
    const second = await sessions.create(row);
    await sessions.end(first.cookie);
    await sessions.end('unknown');
    const restarted = await sessionsOf(world);
    for (const where of [sessions, restarted]) {
      expect(where.find(first.cookie)).toBeNull();
      expect(where.find(second.cookie)).not.toBeNull();
    }
  });

  it('leaves the store when it is over: at the next login, and at a start', async () => {
    const { world, sessions } = await loginWorld();
    const { row } = await world.create({ role: 'viewer' });
    await sessions.create(row);
    world.clock.advance(31 * DAY);
    await sessions.create(row);
    expect(await world.database.loadBrowserSessions()).toHaveLength(1);
    world.clock.advance(31 * DAY);
    await sessionsOf(world);
    expect(await world.database.loadBrowserSessions()).toEqual([]);
  });

  it('number 101 of a key ends its oldest, and nobody else’s', async () => {
    const { world, sessions } = await loginWorld();
    const [mine, other] = [await world.create({ role: 'viewer' }), await world.create({ role: 'viewer' })];
    const others = await sessions.create(other.row);
    const oldest = await sessions.create(mine.row);
    world.clock.advance(1);
    const next = await sessions.create(mine.row);
    for (let count = 3; count <= 100; count += 1) await sessions.create(mine.row);
    expect(sessions.find(oldest.cookie)).not.toBeNull();
    const restarted = await sessionsOf(world);
    await restarted.create(mine.row);
    expect(restarted.find(oldest.cookie)).toBeNull();
    expect(restarted.find(next.cookie)).not.toBeNull();
    expect(restarted.find(others.cookie)).not.toBeNull();
    expect(await world.database.loadBrowserSessions()).toHaveLength(101);
  });
});

describe('a login link', () => {
  it('works once', async () => {
    const { world, sessions } = await loginWorld();
    const { row } = await world.create({ role: 'admin' });
    const token = sessions.issueLoginToken(row.id);
    expect(sessions.redeemLoginToken(token)?.id).toBe(row.id);
    expect(sessions.redeemLoginToken(token)).toBeNull();
    // A demo's link is clicked twice.
    const often = sessions.issueLoginToken(row.id, 'often');
    expect([1, 2].map(() => sessions.redeemLoginToken(often)?.id)).toEqual([row.id, row.id]);
  });

  it('works for ten minutes, and as long as its key does', async () => {
    const { world, sessions } = await loginWorld();
    const { row } = await world.create({ role: 'admin' });
    const [early, late, revoked] = [1, 2, 3].map(() => sessions.issueLoginToken(row.id)) as [
      string,
      string,
      string,
    ];
    world.clock.advance(10 * 60_000 - 1);
    expect(sessions.redeemLoginToken(early)).not.toBeNull();
    await world.keys.revoke(row.id);
    expect(sessions.redeemLoginToken(revoked)).toBeNull();
    world.clock.advance(1);
    expect(sessions.redeemLoginToken(late)).toBeNull();
    expect(sessions.redeemLoginToken('made-up')).toBeNull();
  });
});

async function loginWorld(): Promise<{ world: KeyWorld; sessions: BrowserSessions }> {
  const world = await keyWorld();
  return { world, sessions: await sessionsOf(world) };
}

/** Another one on the same store, as after a restart. */
async function sessionsOf({ database, keys, clock }: KeyWorld): Promise<BrowserSessions> {
  const sessions = new BrowserSessions({
    store: database,
    keys,
    clock,
    randomBytes: (count) => randomBytes(count),
    logger: silentLog,
    lifetime: 12 * HOUR,
  });
  await sessions.start();
  return sessions;
}
