/** The ways to the server: TLS with a CA and a client certificate, and WebSocket. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { requires } from '../helpers/requires.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { startMosquitto } from './mosquitto.ts';
import { subscribe } from './subscriber.ts';
import { startWorld } from './world.ts';

/** A CA, and a certificate for `name` that it signed, in a folder of the test's. */
function certificates(): { readonly folder: string; readonly sign: (name: string) => void } {
  const folder = temporaryFolder();
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=Test CA',
  );
  const sign = (name: string) => {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const request = ['-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    openssl('x509', ...request, '-out', `${name}.pem`, '-days', '2');
  };
  return { folder, sign };
}

requires('mosquitto', 'openssl')('a server with TLS', () => {
  it('is reached with its CA and a client certificate, and without them it says why not', async () => {
    const { folder, sign } = certificates();
    sign('localhost');
    sign('bridge');
    const port = await freePort();
    const mosquitto = await startMosquitto(
      `listener ${port}`,
      `cafile ${join(folder, 'ca.pem')}`,
      `certfile ${join(folder, 'localhost.pem')}`,
      `keyfile ${join(folder, 'localhost.key')}`,
      'require_certificate true',
    );
    const subscriber = await subscribe(mosquitto.url, ['signalbox/#']);
    const url = `mqtts://localhost:${port}`;
    const caFile = join(folder, 'ca.pem');
    const ours = { caFile, certFile: join(folder, 'bridge.pem'), keyFile: join(folder, 'bridge.key') };
    const world = await startWorld({ url, ...ours });
    world.sample('pump', { n: 1 });
    await world.until(({ state }) => state === 'connected');
    world.sample('pump', { n: 2 });
    await subscriber.on('signalbox/acme/pump/telemetry');

    const stranger = await startWorld({ url, clientId: 'stranger' });
    const unknown = await stranger.until(({ lastError }) => lastError !== null);
    expect(unknown.lastError?.message).toMatch(/certificate/);
    const lost = await startWorld({ url, clientId: 'lost', ...ours, certFile: join(folder, 'none.pem') });
    const missing = await lost.until(({ lastError }) => lastError !== null);
    expect(missing.lastError?.message).toContain('none.pem');
  });
});

requires('mosquitto')('a server behind WebSocket', () => {
  it('gets everything in order', async () => {
    const port = await freePort();
    const mosquitto = await startMosquitto(`listener ${port} 127.0.0.1`, 'protocol websockets');
    const subscriber = await subscribe(mosquitto.url, ['signalbox/#']);
    const world = await startWorld({ url: `ws://127.0.0.1:${port}/mqtt` });
    await world.until(({ state }) => state === 'connected');
    await world.samples(['pump'], 1, 500);
    await world.drained();
    await subscriber.until(() => subscriber.texts('signalbox/acme/pump/telemetry').length === 500);
    expect(world.bridge.status()).toMatchObject({ sent: 500, repeated: 0 });
  });
});
