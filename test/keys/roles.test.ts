/** What roles open: the doors of a whole broker, for each role and for one that the table does not know; and where roles are listed again. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { makeKeyText } from '../../broker/access/key-text.ts';
import { openMemoryStores } from '../../broker/store/open.ts';
import type { Stores } from '../../broker/store/ports.ts';
import { loadMigrations } from '../../broker/store/sqlite/statements.ts';
import { may, type Right, ROLES, type Role, rolesInWords, rolesWith } from '../../schemas/roles.ts';
import type { OpenApi } from '../admin/documented.ts';
import { keyRow } from '../admin/fakes.ts';
import { startBroker, type TestBroker } from '../helpers/broker.ts';
import { connect, refusal } from '../helpers/device.ts';

/** The statuses of a broker's doors; 101: connected. */
interface Doors {
  readonly device: number;
  readonly live: number;
  readonly session: number;
  readonly metrics: number;
}

const SHUT: Doors = { device: 403, live: 403, session: 403, metrics: 403 };
const READER: Doors = { ...SHUT, live: 101, session: 201 };

const DOORS: Readonly<Record<Role, Doors>> = {
  device: { ...SHUT, device: 101 },
  viewer: READER,
  operator: READER,
  admin: { ...READER, metrics: 200 },
};

const KEY_FOR_METRICS = { server: { metrics: 'key' } } as const;

async function doorsOf(url: string, key: string): Promise<Doors> {
  const post = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
  const session = await fetch(`${url}/api/v1/session`, { ...post, body: JSON.stringify({ key }) });
  return {
    device: await upgrade(url, { key, path: '/v1/device?device=pump-7' }),
    live: await upgrade(url, { key, path: '/v1/live' }),
    session: session.status,
    metrics: (await fetch(`${url}/metrics`, { headers: { 'X-API-Key': key } })).status,
  };
}

async function upgrade(url: string, options: Parameters<typeof connect>[1]): Promise<number> {
  try {
    await connect(url, options);
    return 101;
  } catch {
    return (await refusal(url, options)).status;
  }
}

it.each(ROLES)('a key of the role %s opens the doors that are its, and no others', async (role) => {
  const { url, key } = await startBroker({ config: KEY_FOR_METRICS });
  expect(await doorsOf(url, await key(role, 'acme'))).toEqual(DOORS[role]);
});

/** As the database of a newer version might bring it. */
const MADE_UP = 'made-up' as Role;
const COOKIE = 'a-login-of-before';

/** A broker with a key of this role in its database, and a login that stands for it. */
async function brokerThatMet(role: Role, customer: string): Promise<TestBroker & { readonly text: string }> {
  const { id, text } = makeKeyText(randomBytes);
  const openStores = (): Stores => {
    const stores = openMemoryStores(1_000_000);
    const loadKeys = async () => [keyRow(id, role, customer, { hash: sha256(text) })];
    const now = Date.now();
    const login = { hash: sha256(COOKIE), keyId: id, createdAt: now, expiresAt: now + 3_600_000 };
    const loadBrowserSessions = async () => [login];
    return { ...stores, database: { ...stores.database, loadKeys, loadBrowserSessions } };
  };
  const environment = { openStores, ensureAdminKey: async () => null };
  return { text, ...(await startBroker({ environment, config: KEY_FOR_METRICS })) };
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}

async function operationsOf(url: string): Promise<(readonly [method: string, url: string])[]> {
  const document = (await (await fetch(`${url}/api/openapi.json`)).json()) as OpenApi;
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { security }]) => security?.length !== 0)
      .map(([method]) => [method.toUpperCase(), `${url}/api/v1${path.replaceAll(/\{\w+\}/g, 'acme')}`]),
  );
}

describe.each(['acme', '*'])(
  'a key of a role that the broker does not know, of the customer %s',
  (customer) => {
    it('opens no door', async () => {
      const { url, text } = await brokerThatMet(MADE_UP, customer);
      expect(await doorsOf(url, text)).toEqual(SHUT);
    });

    it('gets no operation done, nor does its login', async () => {
      const { url, text } = await brokerThatMet(MADE_UP, customer);
      const operations = await operationsOf(url);
      expect(operations.length).toBeGreaterThanOrEqual(25);
      const proofs = [{ 'X-API-Key': text }, { Cookie: `signalbox_session=${COOKIE}`, Origin: url }];
      for (const headers of proofs) {
        for (const [method, address] of operations) {
          const { status } = await fetch(address, { method, headers: headers as Record<string, string> });
          expect([method, address, status]).toEqual([method, address, 403]);
        }
      }
    });

    it('has a login that opens no live channel', async () => {
      const { url } = await brokerThatMet(MADE_UP, customer);
      const headers = { Cookie: `signalbox_session=${COOKIE}`, Origin: url };
      const { status, problem } = await refusal(url, { path: '/v1/live', headers });
      expect([status, problem.code]).toEqual([403, 'forbidden']);
    });
  },
);

describe('the table of roles', () => {
  it.each([MADE_UP, 'constructor' as Role, '' as Role])('gives no right to the role "%s"', (role) => {
    const all: Record<Right, true> = {
      connect: true,
      read: true,
      operate: true,
      administer: true,
      'every-customer': true,
    };
    expect(Object.keys(all).filter((right) => may(role, right as Right))).toEqual([]);
  });
});

describe('roles are the same', () => {
  const root = join(import.meta.dirname, '../..');
  const page = (path: string): string => readFileSync(join(root, path), 'utf8');

  it('in the database', () => {
    const database = new SqliteDatabase(':memory:');
    for (const { sql } of loadMigrations(join(root, 'schemas/sql/migrations'))) database.exec(sql);
    const table = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'keys'").pluck().get();
    database.close();
    const list = /CHECK \(role IN \(([^)]*)\)\)/.exec(String(table))?.[1] ?? '';
    expect(list.split(', ')).toEqual(ROLES.map((role) => `'${role}'`));
  });

  it('on the page about keys', () => {
    const rows = [...page('docs/keys.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, role]) => role);
    expect(rows).toEqual(ROLES);
  });

  it('on the pages that say who may read', () => {
    expect(page('dashboard/index.html')).toContain(`Key of the role ${rolesInWords('read')}<`);
    const quoted = rolesWith('read').map((role) => `\`${role}\``);
    const words = `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
    expect(page('docs/live.md')).toContain(`a key of the role ${words} in`);
  });
});
