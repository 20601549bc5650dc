/** Commands over MQTT, with the peer as a list of messages: what is taken, what is refused, and what comes back. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { CommandIntake, type IntakeRecord, type ResultMessage } from '../../broker/bridge/command-intake.ts';
import type { PeerMessage } from '../../broker/bridge/mqtt/connection.ts';
import { commandWorld, rest } from '../commands/world.ts';
import { silentLog } from '../helpers/log.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

async function world(customers: readonly string[] = ['*']) {
  const commands = await commandWorld();
  const published: ResultMessage[] = [];
  const audited: IntakeRecord[] = [];
  const intake = new CommandIntake({
    commands: commands.commands,
    customers,
    baseTopic: 'signalbox',
    discoveryPrefix: 'homeassistant',
    publish: (message) => published.push(message),
    audit: (entry) => audited.push(entry),
    logger: silentLog,
  });
  intake.start();
  onTestFinished(() => intake.stop());
  const send = async (message: Partial<PeerMessage> = {}) => {
    await intake.receive({
      topic: 'signalbox/acme/pump/command/set-speed',
      payload: bytes('{"rpm":1450}'),
      retain: false,
      responseTopic: null,
      correlationData: null,
      messageExpiry: null,
      ...message,
    });
    await rest();
  };
  /** Topic and content of what was published since. */
  const told = () => published.splice(0).map(({ topic, payload }) => [topic, JSON.parse(payload)]);
  return { ...commands, intake, published, audited, send, told };
}

const RESULT = 'signalbox/acme/pump/command/set-speed/result';

describe('a command', () => {
  it('reaches the device, and each word of the device is told on the result topic', async () => {
    const { connect, send, told } = await world();
    const device = await connect();
    await send();
    const [command] = device.commands();
    expect(command).toMatchObject({ name: 'set-speed', args: { rpm: 1450 }, ttl: 60_000 });
    expect(told()).toEqual([]);
    const id = command?.id ?? '';
    await device.answer(id, 'accepted');
    await device.answer(id, 'progress', { percent: 50 });
    await device.answer(id, 'done', { rpm: 1450 });
    expect(told()).toMatchObject([
      [RESULT, { id, status: 'accepted' }],
      [RESULT, { id, status: 'progress', data: { percent: 50 } }],
      [RESULT, { id, status: 'done', data: { rpm: 1450 } }],
    ]);
  });

  it('with a response topic gets its one end there, with the correlation data as they came', async () => {
    const { connect, send, published } = await world();
    const device = await connect();
    await send({ responseTopic: 'replies/42', correlationData: bytes('order 66') });
    const id = device.commands()[0]?.id ?? '';
    await device.answer(id, 'accepted');
    await device.answer(id, 'failed', 'jammed');
    const replies = published.filter(({ topic }) => topic === 'replies/42');
    expect(replies).toHaveLength(1);
    expect(replies[0]?.correlationData).toEqual(bytes('order 66'));
    expect(JSON.parse(replies[0]?.payload ?? '')).toMatchObject({ id, status: 'failed', data: 'jammed' });
  });

  it('that the peer delivers twice is carried out once, and answered each time', async () => {
    const { connect, send, published } = await world();
    const device = await connect();
    const request = { responseTopic: 'replies/42', correlationData: bytes('order 66') };
    await send(request);
    const [command, ...more] = device.commands();
    await send(request);
    expect([more, device.commands()]).toEqual([[], []]);
    await device.answer(command?.id ?? '', 'done');
    await send(request);
    expect(published.filter(({ topic }) => topic === 'replies/42')).toHaveLength(2);
  });

  it('lives as long as its message', async () => {
    const { known, send, told, pass } = await world();
    known();
    await send({ messageExpiry: 5 });
    await pass(5000);
    expect(told()).toMatchObject([[RESULT, { status: 'expired', reason: /ttl ran out/ }]]);
  });

  it('that is to be done now or never, and cannot be, is answered once', async () => {
    const { known, send, told } = await world();
    known();
    await send({ messageExpiry: 0, responseTopic: 'replies/42' });
    expect(told()).toMatchObject([
      [RESULT, { status: 'failed', reason: /now or never/ }],
      ['replies/42', { status: 'failed' }],
    ]);
  });

  it('may have no arguments', async () => {
    const { connect, send } = await world();
    const device = await connect();
    await send({ payload: new Uint8Array(0) });
    expect(device.commands()).toMatchObject([{ args: null }]);
  });
});

it.each(['signalbox/acme/pump/command/set-speed/result', 'signalboxes/x', 'replies/signalbox/acme'])(
  'a response topic of its own is honoured: %s',
  async (responseTopic) => {
    const { connect, send, published } = await world();
    const device = await connect();
    await send({ responseTopic, correlationData: bytes('1') });
    await device.answer(device.commands()[0]?.id ?? '', 'done');
    expect(published.map(({ topic, correlationData }) => [topic, correlationData])).toEqual([
      [RESULT, null],
      [responseTopic, bytes('1')],
    ]);
  },
);

describe('what is refused, with a result that says what to do', () => {
  it.each<[string, Partial<PeerMessage>, string, RegExp]>([
    ['no JSON', { payload: bytes('{rpm') }, 'bad-request', /must be JSON/],
    ['no UTF-8', { payload: Uint8Array.of(0xff, 0xfe) }, 'bad-request', /must be JSON in UTF-8/],
    ['a retained message', { retain: true }, 'bad-request', /without the retain flag/],
    ['too much', { payload: bytes(`"${'x'.repeat(70_000)}"`) }, 'args-too-large', /65536/],
    [
      'what no device could read',
      { payload: bytes('{"__proto__":1}') },
      'bad-request',
      /payload has the key __proto__/,
    ],
  ])('%s', async (_, message, code, detail) => {
    const { connect, send, told, audited } = await world();
    const device = await connect();
    await send({ ...message, responseTopic: 'replies/1' });
    const refusal = { id: null, status: 'refused', error: { code, detail: expect.stringMatching(detail) } };
    expect(told()).toEqual([
      [RESULT, refusal],
      ['replies/1', refusal],
    ]);
    expect(device.commands()).toEqual([]);
    expect(audited).toMatchObject([{ command: null, refusal: expect.stringMatching(detail) }]);
  });

  it('a customer that the configuration does not name', async () => {
    const { connect, send, told } = await world(['other']);
    const device = await connect();
    await send();
    expect(told()).toMatchObject([
      [RESULT, { error: { code: 'forbidden', limit: 'mqtt.commandCustomers' } }],
    ]);
    expect(device.commands()).toEqual([]);
  });

  it('a device that is not there', async () => {
    const { send, told } = await world();
    await send();
    expect(told()).toMatchObject([[RESULT, { error: { code: 'not-found' } }]]);
  });

  it.each([
    ['signalbox/globex/pump/command/reboot', /under signalbox\//],
    ['signalbox/acme/pump/command/reboot', /only signalbox\/acme\/pump\/command\/set-speed\/result/],
    ['signalbox/globex/pump/command/set-speed/result', /under signalbox\//],
    ['signalbox/bridge/status', /under signalbox\//],
    ['signalbox/acme/pump/availability', /under signalbox\//],
    ['signalbox', /under signalbox\//],
    ['homeassistant/device/acme_pump/config', /Home Assistant/],
    ['homeassistant/status', /Home Assistant/],
    ['replies/+', /wildcard/],
    ['#', /wildcard/],
    ['a\0b', /NUL/],
    ['$SYS/broker/uptime', /begins with \$/],
    ['$share/group/replies', /begins with \$/],
    ['x'.repeat(1025), /1024 bytes/],
    ['', /empty/],
  ])('a response topic where the bridge must not publish for others: %s', async (responseTopic, reason) => {
    const { connect, send, told, audited, intake } = await world();
    const device = await connect();
    await send({ responseTopic });
    expect(device.commands()).toEqual([]);
    const error = { code: 'bad-request', detail: expect.stringMatching(reason) };
    expect(told()).toEqual([[RESULT, { id: null, status: 'refused', error }]]);
    expect(audited).toMatchObject([{ command: null, refusal: expect.stringMatching(reason) }]);
    expect(intake.counts).toEqual({ taken: 0, refused: 1 });
  });

  it('also where the command is refused for another reason', async () => {
    const { send, told } = await world(['other']);
    await send({ responseTopic: 'signalbox/globex/pump/command/reboot' });
    expect(told().map(([topic]) => topic)).toEqual([RESULT]);
  });

  it('correlation data that are no token', async () => {
    const { connect, send, told } = await world();
    await connect();
    await send({ responseTopic: 'replies/1', correlationData: new Uint8Array(1025) });
    expect(told()).toMatchObject([[RESULT, { error: { detail: /correlation data have more than 1024/ } }]]);
  });
});

it('tells nothing of commands that came another way', async () => {
  const { connect, ask, told } = await world();
  const device = await connect();
  const { id } = await ask({ name: 'set-speed' });
  await device.answer(id, 'done');
  expect(told()).toEqual([]);
});
