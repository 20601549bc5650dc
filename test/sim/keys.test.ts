/** A simulation makes its own keys with an admin's, and leaves none behind. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { fleetKeys, KeysError } from '../../device-sim/keys.ts';
import { problem } from '../../schemas/problems.ts';
import { nobodysAddress } from '../helpers/free-port.ts';

type Answers = (
  method: string,
  path: string,
  body: { customer?: string },
) => { status: number; body?: object };

/** An HTTP API that writes down what it was asked. */
async function api(answers: Answers): Promise<{ url: string; calls: string[] }> {
  const calls: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    calls.push(`${request.method} ${request.url} ${request.headers.authorization} ${text}`.trim());
    const answer = answers(request.method ?? '', request.url ?? '', text ? JSON.parse(text) : {});
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(answer.body ? JSON.stringify(answer.body) : undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

const made = (customer = '') => ({
  status: 201,
  body: { id: `id-${customer}`, customer, key: `sbx_${customer}` },
});
const options = { key: 'sbx_admin', customers: ['sim-1', 'sim-2'], expiresIn: 60 };

it('one key for each customer, which end by themselves, and are revoked at the end', async () => {
  const { url, calls } = await api((method, _path, { customer }) =>
    method === 'POST' ? made(customer) : { status: 204 },
  );
  const { keys, revoke } = await fleetKeys({ url, ...options });
  expect(keys).toEqual([
    { customer: 'sim-1', key: 'sbx_sim-1' },
    { customer: 'sim-2', key: 'sbx_sim-2' },
  ]);
  await revoke();
  await revoke();
  const body = (customer: string) =>
    JSON.stringify({ customer, role: 'device', label: 'simulated fleet', expiresIn: 60 });
  expect(calls).toEqual([
    `POST /api/v1/keys Bearer sbx_admin ${body('sim-1')}`,
    `POST /api/v1/keys Bearer sbx_admin ${body('sim-2')}`,
    'DELETE /api/v1/keys/id-sim-1 Bearer sbx_admin',
    'DELETE /api/v1/keys/id-sim-2 Bearer sbx_admin',
  ]);
});

it('a key that may make none is used as it is, for the one customer that it is of', async () => {
  const { url } = await api(() => ({ status: 403, body: { detail: 'no' } }));
  const own = { url, ...options, key: 'sbx_fleet' };
  const { keys, revoke } = await fleetKeys({ ...own, customers: ['sim-1'] });
  expect(keys).toEqual([{ customer: 'sim-1', key: 'sbx_fleet' }]);
  await revoke();
  await expect(fleetKeys(own)).rejects.toThrow('An admin key is needed for 2 customers.');
});

it('none is left behind when the second cannot be made', async () => {
  const { url, calls } = await api((method, _path, { customer }) => {
    if (method === 'DELETE') return { status: 204 };
    const away = { status: 503, body: problem('store-unavailable', 'The store is away.') };
    return customer === 'sim-1' ? made(customer) : away;
  });
  await expect(fleetKeys({ url, ...options })).rejects.toThrow('503. The store is away.');
  expect(calls.at(-1)).toBe('DELETE /api/v1/keys/id-sim-1 Bearer sbx_admin');
});

it('a redirect is not followed with the key, and a broker that is away is told as such', async () => {
  const { url, calls } = await api(() => ({ status: 307 }));
  await expect(fleetKeys({ url, ...options })).rejects.toThrow(KeysError);
  expect(calls).toHaveLength(1);
  await expect(fleetKeys({ url: await nobodysAddress(), ...options })).rejects.toThrow(
    /No broker answers.*ECONNREFUSED/,
  );
});
