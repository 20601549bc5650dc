/** How a Mosquitto may be reached: with TLS and a client certificate, and over WebSocket; and what is said when it may not. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { startBroker } from '../helpers/broker.ts';
import type { Overrides } from '../helpers/config.ts';
import { requires } from '../helpers/requires.ts';
import { makeAuthority } from './certificates.ts';
import { freePort, startMosquitto } from './mosquitto.ts';
import { subscribe } from './subscriber.ts';

async function bridge(mqtt: Overrides['mqtt']) {
  const { broker } = await startBroker({ config: { mqtt: { reconnectSeconds: 1, ...mqtt } } });
  return () => broker.front.mqtt.status();
}

requires('mosquitto', 'openssl')('a server with TLS', () => {
  it('is reached when its certificate comes from the authority that is configured', async () => {
    const authority = makeAuthority();
    const { certFile, keyFile } = authority.sign('server');
    const mosquitto = await startMosquitto(`certfile ${certFile}`, `keyfile ${keyFile}`);
    const url = mosquitto.url.replace('mqtt:', 'mqtts:');
    await bridge({ url, caFile: authority.caFile });
    const watcher = await subscribe(url, ['signalbox/#'], { ca: readFileSync(authority.caFile) });
    await watcher.on('signalbox/bridge/status', 'online');
  });

  it('of another authority is not believed, and the reason is shown', async () => {
    const { certFile, keyFile } = makeAuthority().sign('server');
    const mosquitto = await startMosquitto(`certfile ${certFile}`, `keyfile ${keyFile}`);
    const url = mosquitto.url.replace('mqtt:', 'mqtts:');
    const status = await bridge({ url, caFile: makeAuthority().caFile });
    await vi.waitFor(() => expect(status().lastError?.message).toMatch(/certificate|issuer|signature/i), {
      timeout: 10_000,
    });
    expect(status().state).not.toBe('connected');
  });

  it('that wants a client certificate gets it, and is not reached without', async () => {
    const authority = makeAuthority();
    const { certFile, keyFile } = authority.sign('server');
    const client = authority.sign('bridge');
    const mosquitto = await startMosquitto(
      `certfile ${certFile}`,
      `keyfile ${keyFile}`,
      `cafile ${authority.caFile}`,
      'require_certificate true',
    );
    const url = mosquitto.url.replace('mqtt:', 'mqtts:');
    const without = await bridge({ url, caFile: authority.caFile });
    await vi.waitFor(() => expect(without().lastError).not.toBeNull(), { timeout: 10_000 });
    expect(without().state).not.toBe('connected');
    const status = await bridge({ url, clientId: 'second', caFile: authority.caFile, ...client });
    await vi.waitFor(() => expect(status().state).toBe('connected'), { timeout: 10_000 });
  });
});

requires('mosquitto')('a server over WebSocket', () => {
  it('is reached as well', async () => {
    const port = await freePort();
    // Mosquitto 2.0.11 cannot bind a WebSocket listener to an address, only to an interface.
    await startMosquitto(`listener ${port}`, 'bind_interface lo', 'protocol websockets');
    const url = `ws://127.0.0.1:${port}`;
    await bridge({ url });
    const watcher = await subscribe(url, ['signalbox/#']);
    await watcher.on('signalbox/bridge/status', 'online');
  });
});

describe('files that are not there', () => {
  it('are named, and the broker runs all the same', async () => {
    const status = await bridge({ url: 'mqtts://127.0.0.1:1', caFile: '/nowhere/ca.crt' });
    await vi.waitFor(() => expect(status().lastError?.message).toMatch(/\/nowhere\/ca\.crt/), {
      timeout: 10_000,
    });
  });
});
