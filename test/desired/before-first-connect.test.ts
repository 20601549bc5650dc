/** A device that is prepared before it is switched on: what was asked of it waits, over restarts too. */

import { expect, it } from 'vitest';
import { encodeHello } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { startBroker, type TestBroker } from '../helpers/broker.ts';
import { connect } from '../helpers/device.ts';

const PUMP = '/devices/acme/pump-7';

async function ask(broker: TestBroker, method: string, path: string, body?: unknown) {
  const key = await broker.key('admin', '*');
  const response = await fetch(`${broker.url}/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

it('gets its commands and its desired state when it connects for the first time', async () => {
  const first = await startBroker();
  const created = await ask(first, 'POST', '/keys', { customer: 'acme', device: 'pump-7' });
  expect(created.status).toBe(201);
  const desired = await ask(first, 'PUT', `${PUMP}/desired`, { interval: 30 });
  expect(desired.status).toBe(200);
  const command = await ask(first, 'POST', `${PUMP}/commands`, { name: 'calibrate', ttl: '1h' });
  expect(command.body).toMatchObject({ status: 'queued', waitingFor: 'device has not connected yet' });
  expect((await ask(first, 'PUT', PUMP, { label: 'North hall' })).status).toBe(200);
  await first.broker.stop();

  const later = await startBroker({ data: first.data });
  expect((await ask(later, 'GET', PUMP)).body).toMatchObject({ lastSeenAt: null, label: 'North hall' });
  const device = await connect(later.url, { key: created.body.key });
  device.send(encodeHello({}));
  const kinds: number[] = [];
  while (!kinds.includes(FRAME.desired)) kinds.push((await device.next()).kind);
  expect(kinds).toEqual([FRAME.welcome, FRAME.ack, FRAME.command, FRAME.desired]);
  expect((await ask(later, 'GET', PUMP)).body).toMatchObject({ online: true, label: 'North hall' });
});

it('that was forgotten is not listed again for its key, and comes back as new when it connects', async () => {
  const first = await startBroker();
  const created = await ask(first, 'POST', '/keys', { customer: 'acme', device: 'pump-7' });
  await ask(first, 'PUT', PUMP, { label: 'North hall' });
  expect((await ask(first, 'DELETE', PUMP)).status).toBe(204);
  expect((await ask(first, 'GET', PUMP)).status).toBe(404);
  await first.broker.stop();

  const later = await startBroker({ data: first.data });
  expect((await ask(later, 'GET', PUMP)).status).toBe(404);
  const pump = await connect(later.url, { key: created.body.key });
  pump.send(encodeHello({}));
  await pump.acknowledged(0);
  expect((await ask(later, 'GET', PUMP)).body).toMatchObject({ online: true, label: null });
});
