/**
 * `signalbox-client`: the device library for gateways (Node).
 *
 *     const client = new DeviceClient({ url, key, device: 'pump-7', outbox: { file: '/var/lib/gateway/pump-7' } });
 *     client.onCommand('set-speed', async ({ args }) => ({ rpm: await pump.setSpeed(args) }));
 *     client.onDesired(async (values) => pump.configure(values));
 *     client.on('dropped', ({ seqs, detail }) => …);
 *     client.start();
 *     const seq = client.send({ temp: 21.5 });
 *     await client.durable(seq); // the broker has it on disk
 *     await client.stop({ drain: 5000 });
 */
export { FrameError } from '../broker/wire/frame-error.ts';
export type {
  CommandFrame,
  DesiredFrame,
  ErrorFrame,
  Value,
  ValueMap,
  WelcomeLimits,
} from '../broker/wire/frames.ts';
export { DeviceClient, type StopOptions } from './client.ts';
export type { FinalResultName, ResultName } from './command-result.ts';
export type { DesiredHandler } from './desired-applier.ts';
export type {
  CommandHandler,
  CommandHandlerOptions,
  CommandProgress,
  DeviceCommand,
} from './device-command.ts';
export type { AcknowledgedFrame, DeviceClientEvents, FrameDropReason } from './events.ts';
export type { BatchSamples, Timed } from './frame-draft.ts';
export type { DeviceClientOptions, WebSocketOptions } from './options.ts';
export { type FullPolicy, OutboxFull } from './outbox.ts';
export type { ClientState } from './reconnector.ts';
export { systemClock } from './system-clock.ts';
export { NotDurable } from './telemetry.ts';
