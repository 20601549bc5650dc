/**
 * A disk that becomes full under a running broker: dashboards and health stay up, devices are told to come back, nothing is
 * acknowledged, and when there is room again it goes on by itself, with everything that was acknowledged and nothing twice.
 */
import { expect, it } from 'vitest';
import { encodeHello } from '../../broker/wire/encode.ts';
import { type BrokerProcess, startProcess } from '../helpers/broker-process.ts';
import { connect, refusal } from '../helpers/device.ts';
import { eventually } from '../helpers/eventually.ts';
import { describeOnSmallDisk, smallDisk } from '../helpers/small-disk.ts';
import { LedgerDevice } from './ledger.ts';

const FULL = 'The disk is full: the log waits, and goes on by itself when that is over.';

async function ask(broker: BrokerProcess, path: string, init: RequestInit = {}) {
  const headers = { Authorization: `Bearer ${broker.adminKey}`, 'Content-Type': 'application/json' };
  const response = await fetch(`${broker.url}${path}`, { ...init, headers });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

describeOnSmallDisk('a broker whose disk is full', () => {
  it('stays up, sends devices away, and goes on by itself with all that was acknowledged', async () => {
    const disk = smallDisk(16_384);
    const broker = await startProcess({ data: disk.folder });
    const key = await broker.deviceKey('acme');
    const ledgers = ['pump-1', 'pump-2'].map((id) => new LedgerDevice(id, key));
    const sending = ledgers.map((ledger) => ledger.sendUntilCut(broker.url, () => {}));
    const watched = await connect(broker.url, { key, path: '/v1/device?device=quiet' });
    // Known to the API once its opening is committed, which the answer to hello implies.
    watched.send(encodeHello({ boot: 1 }));
    await watched.acknowledged(0);
    disk.fill();
    await broker.logged(FULL);
    await Promise.all(sending);
    const { code, reason } = await watched.closed;
    expect([code, reason]).toEqual([1013, expect.stringMatching(/; reconnect in \d{5} ms$/)]);

    expect(await ask(broker, '/livez')).toMatchObject({ status: 200 });
    expect(await ask(broker, '/readyz')).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('disk-full') },
    });
    expect(await ask(broker, '/api/v1/devices/acme/pump-1/state')).toMatchObject({ status: 200 });
    expect(await ask(broker, '/api/v1/devices/acme/pump-1/commands')).toMatchObject({ status: 200 });
    expect(await ask(broker, '/api/v1/audit')).toMatchObject({ status: 200 });
    const command = { method: 'POST', body: JSON.stringify({ name: 'reboot' }) };
    expect(await ask(broker, '/api/v1/devices/acme/quiet/commands', command)).toMatchObject({
      status: 503,
      retryAfter: '10',
      body: { code: 'store-unavailable' },
    });
    expect(await refusal(broker.url, { key, path: '/v1/device?device=pump-1' })).toMatchObject({
      status: 503,
      headers: { 'retry-after': '10' },
    });

    disk.free();
    const ready = { status: 200, body: { status: 'ready' } };
    await eventually(async () => expect(await ask(broker, '/readyz')).toMatchObject(ready));
    expect(await ask(broker, '/api/v1/devices/acme/quiet/commands', command)).toMatchObject({ status: 201 });
    for (const ledger of ledgers) {
      await ledger.finish(broker.url);
      const { body } = await ask(broker, `/api/v1/devices/acme/${ledger.id}/state`);
      expect(body.values).toMatchObject({ n: { value: ledger.sent } });
    }
    expect(await broker.stop()).toBe(0);
    const again = await startProcess({ data: disk.folder });
    for (const ledger of ledgers) {
      const { body } = await ask(again, `/api/v1/devices/acme/${ledger.id}/state`);
      expect(body.values).toMatchObject({ n: { value: ledger.sent } });
    }
  });

  it('ends when it is told to, and has what was acknowledged at the next start', async () => {
    const disk = smallDisk(16_384);
    const broker = await startProcess({ data: disk.folder });
    const key = await broker.deviceKey('acme');
    const ledger = new LedgerDevice('pump-1', key);
    const sending = ledger.sendUntilCut(broker.url, () => {});
    disk.fill();
    await broker.logged(FULL);
    await sending;
    expect(await broker.stop()).toBe(0);
    disk.free();
    const again = await startProcess({ data: disk.folder });
    // Throws if something is missing that was acknowledged.
    await ledger.finish(again.url);
  });
});
