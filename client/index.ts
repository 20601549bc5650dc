/** `signalbox/client`: the device library for gateways (Node). */
export { FrameError } from '../broker/wire/frame-error.ts';
export type {
  CommandFrame,
  DesiredFrame,
  ErrorFrame,
  Value,
  ValueMap,
  WelcomeLimits,
} from '../broker/wire/frames.ts';
export { DeviceClient } from './client.ts';
export { NotDurable } from './durability.ts';
export type { AcknowledgedFrame, DeviceClientEvents, DropReason } from './events.ts';
export type { BatchSamples, Timed } from './frame-draft.ts';
export type { ClientState } from './link.ts';
export type { DeviceClientOptions } from './options.ts';
export { type FullPolicy, OutboxFull } from './outbox.ts';
export { systemClock } from './system-clock.ts';
