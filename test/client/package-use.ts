/** Names every export of signalbox-client, as a user's code does. Compiled by `package.test.ts` against the package. */
import {
  type AcknowledgedFrame,
  type BatchSamples,
  type ClientState,
  type CommandFrame,
  type CommandHandler,
  type CommandHandlerOptions,
  type CommandProgress,
  type DesiredFrame,
  type DesiredHandler,
  DeviceClient,
  type DeviceClientEvents,
  type DeviceClientOptions,
  type DeviceCommand,
  type ErrorFrame,
  type FinalResultName,
  type FrameDropReason,
  FrameError,
  type FullPolicy,
  NotDurable,
  OutboxFull,
  type ResultName,
  type StopOptions,
  systemClock,
  type Timed,
  type Value,
  type ValueMap,
  type WebSocketOptions,
  type WelcomeLimits,
} from 'signalbox-client';

export const webSocket: WebSocketOptions = { ca: 'PEM', headers: { 'X-Site': 'north' } };
export const whenFull: FullPolicy = 'drop-oldest';
export const meta: ValueMap = { floor: 3 };
export const options: DeviceClientOptions = {
  url: 'ws://127.0.0.1:8080',
  key: 'sbx_',
  boot: new Uint8Array(16),
  outbox: { file: 'outbox', whenFull },
  commands: { file: 'commands', concurrency: 2 },
  meta,
  clock: systemClock,
  webSocket,
};

const client = new DeviceClient(options);
const timed: Timed = { time: -500 };
const batch: BatchSamples = [[0, { temp: 1 }]];
const byHand: CommandHandlerOptions = { accept: 'manual' };
const setSpeed: CommandHandler = async (command: DeviceCommand): Promise<Value> => {
  const progress: CommandProgress = { percent: 50, note: 'half' };
  command.accept();
  command.progress(progress);
  return { rpm: command.args };
};
const apply: DesiredHandler = (values, version) => ({ ...values, version });

export const removers: readonly (() => void)[] = [
  client.onCommand('set-speed', setSpeed, byHand),
  client.onUnknownCommand((command) => {
    command.reject('no');
  }),
  client.onDesired(apply),
  client.onDesired(async () => {}),
];

export const heard: { [Name in keyof DeviceClientEvents]?: DeviceClientEvents[Name] } = {};
client.on('connected', (event) => {
  const limits: WelcomeLimits = event.limits;
  heard.connected = { ...event, limits };
});
client.on('acknowledged', ({ frames }) => {
  const [first]: readonly AcknowledgedFrame[] = frames;
  return first?.queuedAt;
});
client.once('dropped', ({ reason }) => {
  const why: FrameDropReason = reason;
  return why;
});
client.on('command', (frame: CommandFrame) => frame.ttl);
client.on('desired', (frame: DesiredFrame) => frame.values);
client.on('error', (frame: ErrorFrame) => frame.code);
client.on('refused', ({ problem }) => problem?.retryAfter ?? problem?.code);
client.on('answered', ({ status }) => {
  const name: ResultName = status;
  return name;
});
// @ts-expect-error There is no such event.
client.on('nothing', () => {});
// @ts-expect-error A value is no function.
client.send({ temp: () => 1 });

const state: ClientState = client.state;
export const final: FinalResultName = 'done';

export async function run(): Promise<string> {
  client.start();
  try {
    const seq: number = client.send({ temp: 21.5, on: true, raw: new Uint8Array(2) }, timed);
    client.send([1, null, 'text']);
    client.sendBatch(batch);
    client.sendEvent(5, 'started', { by: 'hand' });
    client.report(1, meta);
    await client.durable(seq);
  } catch (error) {
    if (error instanceof NotDurable) return `${error.seq}`;
    if (error instanceof OutboxFull) return error.message;
    if (error instanceof FrameError) return `${error.code} ${error.closes}`;
    throw error;
  }
  const stop: StopOptions = { drain: 1000, sleep: 30 };
  await client.stop(stop);
  return `${state} ${client.held.frames}`;
}
