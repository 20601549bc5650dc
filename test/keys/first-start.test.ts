import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureAdminKey } from '../../broker/access/bootstrap.ts';
import { makeKeyText } from '../../broker/access/key-text.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { keyWorld } from './key-world.ts';

describe('the first start', () => {
  it('leaves an admin key in the data folder that only its owner may read', async () => {
    const world = await keyWorld();
    const folder = join(temporaryFolder(), 'data');
    const path = await ensureAdminKey(world.keys, folder);
    expect(path).toBe(join(folder, 'admin.key'));
    expect(statSync(join(folder, 'admin.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['admin.key']);
    const text = readFileSync(join(folder, 'admin.key'), 'utf8');
    expect(world.keys.authenticate(text.trim())).toMatchObject({ role: 'admin', customer: '*' });
  });

  it('happens once: a file that was moved away does not come back', async () => {
    const world = await keyWorld();
    const folder = temporaryFolder();
    await ensureAdminKey(world.keys, folder);
    const key = readFileSync(join(folder, 'admin.key'), 'utf8').trim();
    rmSync(join(folder, 'admin.key'));
    await world.restart();
    expect(await ensureAdminKey(world.keys, folder)).toBeNull();
    expect(existsSync(join(folder, 'admin.key'))).toBe(false);
    expect(world.keys.authenticate(key)).not.toBeNull();
  });

  it('is finished after a crash between the file and the store: the key that somebody may have read is stored', async () => {
    const world = await keyWorld();
    const folder = temporaryFolder();
    const { text } = makeKeyText(randomBytes);
    writeFileSync(join(folder, 'admin.key'), `${text}\n`);
    writeFileSync(join(folder, 'admin.key.new'), 'half', { mode: 0o644 });
    await ensureAdminKey(world.keys, folder);
    expect(readFileSync(join(folder, 'admin.key'), 'utf8')).toBe(`${text}\n`);
    await world.restart();
    expect(world.keys.authenticate(text)).toMatchObject({ role: 'admin', customer: '*' });
  });

  it('never writes over an admin.key: one whose key was revoked, or that holds none, refuses the start', async () => {
    const world = await keyWorld();
    const folder = temporaryFolder();
    const file = join(folder, 'admin.key');
    await ensureAdminKey(world.keys, folder);
    const first = readFileSync(file, 'utf8');
    await world.keys.revoke(world.keys.authenticate(first.trim())?.id ?? '');
    await expect(ensureAdminKey(world.keys, folder)).rejects.toThrow(/admin\.key.*Move that file away/);
    expect(readFileSync(file, 'utf8')).toBe(first);
    writeFileSync(file, 'no key\n');
    await expect(ensureAdminKey(world.keys, folder)).rejects.toThrow(/admin\.key.*Move that file away/);
    expect(readFileSync(file, 'utf8')).toBe('no key\n');

    rmSync(file);
    await ensureAdminKey(world.keys, folder);
    expect(world.keys.authenticate(readFileSync(file, 'utf8').trim())?.role).toBe('admin');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('stores no key if the file cannot be written, so that nobody is locked out', async () => {
    const world = await keyWorld();
    const folder = temporaryFolder();
    const blocked = join(folder, 'a-file');
    writeFileSync(blocked, '');
    await expect(ensureAdminKey(world.keys, blocked)).rejects.toThrow('a-file');
    expect(await world.database.loadKeys()).toEqual([]);
  });
});
