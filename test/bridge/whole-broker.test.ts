/** The whole broker beside a real Mosquitto, as other people's systems meet it: requests, commands, Home Assistant. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import { encodeHello, encodeResult, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { startBroker } from '../helpers/broker.ts';
import type { Overrides } from '../helpers/config.ts';
import { connect, type TestDevice } from '../helpers/device.ts';
import { requires } from '../helpers/requires.ts';
import { startMosquitto } from './mosquitto.ts';
import { subscribe } from './subscriber.ts';

const run = promisify(execFile);
const DONE = 3;
const TOPIC = 'signalbox/acme/pump-7';

async function setUp(mqtt: Overrides['mqtt'] = {}) {
  const mosquitto = await startMosquitto();
  const settings = { url: mosquitto.url, commandCustomers: ['*'], reconnectSeconds: 1, ...mqtt };
  const { url, key } = await startBroker({ config: { mqtt: settings } });
  const admin = await key('admin', '*');
  const ask = (path: string, method = 'GET') =>
    fetch(`${url}/api/v1${path}`, { method, headers: { Authorization: `Bearer ${admin}` } });
  const port = String(mosquitto.port);
  return {
    mosquitto,
    ask,
    /** A device that does what it is asked. */
    async pump(): Promise<TestDevice> {
      const device = await connect(url, { key: await key('device', 'acme', 'pump-7') });
      device.socket.on('message', (data) => {
        const frame = parseBrokerFrame(data as Buffer);
        if (frame?.kind === FRAME.command) device.send(encodeResult(frame.id, DONE, frame.args));
      });
      device.send(encodeHello({ boot: 7 }), encodeTelemetry(1, null, { temp: 21.5, running: true }));
      await device.acknowledged(1);
      return device;
    },
    /** As a person types it. */
    publish: (topic: string, text: string, ...more: string[]) =>
      run('mosquitto_pub', ['-h', '127.0.0.1', '-p', port, '-t', topic, '-m', text, ...more]),
    /** The first `count` messages that a subscriber who comes now gets. */
    async late(filter: string, count: number): Promise<string[]> {
      const args = ['-h', '127.0.0.1', '-p', port, '-t', filter, '-v', '-C', String(count), '-W', '280'];
      return (await run('mosquitto_sub', args)).stdout.trim().split('\n').sort();
    },
  };
}

requires('mosquitto', 'mosquitto-clients')('somebody with MQTT tools', () => {
  it('sees the fleet at once, though nothing happens', async () => {
    const { mosquitto, pump, late } = await setUp();
    const watcher = await subscribe(mosquitto.url, ['signalbox/#']);
    await pump();
    await watcher.on(`${TOPIC}/telemetry`);
    await watcher.on(`${TOPIC}/state`, '{"temp":21.5,"running":true}');
    await watcher.on(`${TOPIC}/availability`, 'online');
    await watcher.on('signalbox/bridge/status', 'online');
    expect(await late('signalbox/#', 3)).toEqual([
      `${TOPIC}/availability online`,
      `${TOPIC}/state {"temp":21.5,"running":true}`,
      'signalbox/bridge/status online',
    ]);
  });

  it('sends a command and reads its result', async () => {
    const { mosquitto, pump, publish, ask } = await setUp();
    const watcher = await subscribe(mosquitto.url, [`${TOPIC}/#`]);
    await pump();
    await watcher.on(`${TOPIC}/availability`, 'online');
    await publish(`${TOPIC}/command/set-speed`, '{"rpm":1450}');
    const { text } = await watcher.on(`${TOPIC}/command/set-speed/result`);
    expect(JSON.parse(text)).toMatchObject({ status: 'done', data: { rpm: 1450 } });
    const audit = await (await ask('/audit?by=mqtt')).json();
    expect(audit.items).toMatchObject([{ action: 'command.send', target: 'acme/pump-7', outcome: 'done' }]);
  });

  it('gets an answer that says what was wrong', async () => {
    const { mosquitto, pump, publish } = await setUp();
    const watcher = await subscribe(mosquitto.url, [`${TOPIC}/#`]);
    await pump();
    await watcher.on(`${TOPIC}/availability`, 'online');
    await publish(`${TOPIC}/command/set-speed`, '{rpm');
    const { text } = await watcher.on(`${TOPIC}/command/set-speed/result`);
    expect(JSON.parse(text)).toMatchObject({ id: null, status: 'refused', error: { code: 'bad-request' } });
  });

  it('cannot leave a command behind that is carried out at every connect', async () => {
    const { mosquitto, pump, publish } = await setUp();
    await publish(`${TOPIC}/command/reboot`, 'true', '-r');
    const watcher = await subscribe(mosquitto.url, [`${TOPIC}/#`]);
    await pump();
    await watcher.on(`${TOPIC}/availability`, 'online');
    await mosquitto.stop();
    await mosquitto.start();
    const { text } = await watcher.on(`${TOPIC}/command/reboot/result`);
    const refusal = JSON.parse(text);
    expect(refusal.error.detail).toMatch(/retain/);
  });
});

requires('mosquitto')('a program that speaks MQTT 5', () => {
  it('gets the result of its request, told apart by its correlation data', async () => {
    const { mosquitto, pump } = await setUp();
    const program = await subscribe(mosquitto.url, ['replies/me', `${TOPIC}/availability`]);
    await pump();
    await program.on(`${TOPIC}/availability`, 'online');
    for (const order of ['one', 'two']) {
      await program.client.publishAsync(`${TOPIC}/command/set-speed`, JSON.stringify({ order }), {
        qos: 1,
        properties: {
          responseTopic: 'replies/me',
          correlationData: Buffer.from(order),
          messageExpiryInterval: 30,
        },
      });
    }
    await program.until((all) => all.filter(({ topic }) => topic === 'replies/me').length === 2);
    const replies = program.received.filter(({ topic }) => topic === 'replies/me');
    const answers = replies.map(({ text, packet }) => [
      packet.properties?.correlationData?.toString(),
      JSON.parse(text).data,
    ]);
    expect(answers.sort()).toEqual([
      ['one', { order: 'one' }],
      ['two', { order: 'two' }],
    ]);
  });
});

requires('mosquitto')('somebody who may command acme only, by the rules of the MQTT server', () => {
  it('cannot have the bridge command globex, or say that it is away', async () => {
    const { mosquitto, pump } = await setUp();
    const program = await subscribe(mosquitto.url, ['#']);
    await pump();
    await program.on(`${TOPIC}/availability`, 'online');
    const forged = ['signalbox/globex/pump-7/command/reboot', 'signalbox/bridge/status'];
    for (const responseTopic of forged) {
      await program.client.publishAsync(`${TOPIC}/command/set-speed`, '{}', {
        qos: 1,
        properties: { responseTopic },
      });
    }
    const refusals = () =>
      program.received.filter(({ topic }) => topic === `${TOPIC}/command/set-speed/result`);
    await program.until(() => refusals().length === 2);
    for (const { text } of refusals()) expect(JSON.parse(text).error.detail).toMatch(/under signalbox/);
    const topics = program.received.filter(({ text }) => text.includes('"status"')).map(({ topic }) => topic);
    expect(topics).toEqual([`${TOPIC}/command/set-speed/result`, `${TOPIC}/command/set-speed/result`]);
  });

  it('has a retained command refused also while the bridge is connected', async () => {
    const { mosquitto, pump } = await setUp();
    const program = await subscribe(mosquitto.url, [`${TOPIC}/#`]);
    await pump();
    await program.on(`${TOPIC}/availability`, 'online');
    await program.client.publishAsync(`${TOPIC}/command/reboot`, 'true', { qos: 1, retain: true });
    const { text } = await program.on(`${TOPIC}/command/reboot/result`);
    expect(JSON.parse(text)).toMatchObject({
      id: null,
      status: 'refused',
      error: { detail: expect.stringMatching(/retain/) },
    });
  });
});

requires('mosquitto')('Home Assistant', () => {
  const CONFIG = 'homeassistant/device/acme_pump-7/config';

  it('finds a device, finds it again when it has started, and loses it when it is forgotten', async () => {
    const homeAssistantMetrics = ['temp=°C:temperature'];
    const { mosquitto, pump, ask } = await setUp({ homeAssistant: true, homeAssistantMetrics });
    const assistant = await subscribe(mosquitto.url, ['homeassistant/device/+/config', 'signalbox/#']);
    await pump();
    await assistant.until((all) => all.some(({ topic, text }) => topic === CONFIG && /running/.test(text)));
    const first = await assistant.on(CONFIG);
    const { components } = JSON.parse(first.text);
    expect(components.temp).toMatchObject({ unit_of_measurement: '°C', state_topic: `${TOPIC}/state` });
    const told = () => assistant.texts(CONFIG).length;
    const before = told();
    await assistant.client.publishAsync('homeassistant/status', 'online', { qos: 1 });
    await assistant.until(() => told() > before);
    expect((await assistant.on(CONFIG)).text).toBe(first.text);

    expect((await ask('/devices/acme/pump-7', 'DELETE')).status).toBe(204);
    await assistant.on(CONFIG, '');
    await assistant.on(`${TOPIC}/state`, '');
    await assistant.on(`${TOPIC}/availability`, '');
  });
});
