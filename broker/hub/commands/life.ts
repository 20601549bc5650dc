/**
 * The life of a command as a state machine (P-5.1): queued → written → accepted → progress* → done | failed | rejected, or
 * expired, or cancelled. Says what each step makes of a command, and what it waits for meanwhile, in a sentence that
 * operators read (docs/commands.md). A result is accepted in any state that is not final, and the first final one wins;
 * later ones are kept and marked as late. Pure.
 */
import { encode } from '../../wire/cbor.ts';
import type { ResultFrame, Value } from '../../wire/frames.ts';
import type { Device } from '../fleet/device.ts';
import { reads } from '../sendable.ts';
import { type Command, type CommandStatus, type CommandStep, type FinalStatus, isFinal } from './command.ts';

/** `device`: null if the broker does not know it (any more). null: it waits for nothing. */
export function waitingFor(command: Command, device: Device | null): string | null {
  if (isFinal(command.status)) return null;
  const away = offline(device);
  if (!isWaiting(command))
    return away === null ? 'waiting for the result' : `waiting for the result; ${away}`;
  if (command.status === 'queued') return away ?? connected(command, device);
  const attempt = `waiting for acceptance, attempt ${command.attempts} of ${MAX_ATTEMPTS}`;
  return away === null ? attempt : `${attempt}; ${away}`;
}

function offline(device: Device | null): string | null {
  if (!device) return 'device unknown';
  if (device.online) return null;
  const { since, asleep } = device.presence;
  if (asleep?.until) return `device asleep until ${new Date(asleep.until).toISOString()}`;
  if (asleep) return `device asleep since ${new Date(since).toISOString()}`;
  return since === 0
    ? 'device has not connected yet'
    : `device offline since ${new Date(since).toISOString()}`;
}

function connected({ attempts }: Command, device: Device | null): string {
  const member = device?.member;
  if (member && !reads(member)) return 'the device does not read what was sent to it before';
  if (attempts > 0) return 'about to be written';
  return member?.ready
    ? 'waiting for earlier commands, which the device has not accepted yet'
    : 'waiting for the greeting of the device, which has just connected';
}

/** P-5.3: what a device says. */
const RESULT_STATUSES: readonly CommandStatus[] = [
  'queued',
  'accepted',
  'progress',
  'done',
  'failed',
  'rejected',
];
/** P-5.2: how often a command is written at most. */
export const MAX_ATTEMPTS = 5;
/** Steps kept: a device that tells its progress a thousand times replaces the last one. */
const MAX_STEPS = 64;
const MAX_LATE_STEPS = 8;
/** Of what a device says on the way, as CBOR: 64 such steps of a frame's size would be 4 MiB. Its end may be longer. */
const MAX_STEP_BYTES = 1024;

/** What a device said of a command. */
export interface DeviceResult {
  readonly frame: Pick<ResultFrame, 'status' | 'data'>;
  readonly session: string;
  /** When it arrived; Unix ms. */
  readonly at: number;
}

/** Whether the device has not said anything of it yet. */
export function isWaiting({ status }: Command): boolean {
  return status === 'queued' || status === 'written';
}

/** One more attempt is about to be made; counted before the bytes leave, so that no crash makes it one too many. */
export function countAttempt(command: Command): Command {
  return { ...command, attempts: command.attempts + 1 };
}

/** Its bytes left the broker: when, to which connection, as which attempt. */
export function written(
  command: Command,
  writing: Required<Pick<CommandStep, 'at' | 'session' | 'attempt'>>,
): Command {
  const step: CommandStep = { status: 'written', ...writing };
  const { at } = writing;
  if (isWaiting(command)) return withStep(command, step);
  // The device was faster than the word that the bytes are out.
  const { timeline } = command;
  const first = timeline.findIndex(({ status }) => status !== 'queued' && status !== 'written');
  const before = timeline[first];
  const early = { ...step, at: Math.min(at, before?.at ?? at) };
  return { ...command, timeline: [...timeline.slice(0, first), early, ...timeline.slice(first)] };
}

/** What a device's result makes of it. The same command: it said nothing new. */
export function answered(command: Command, result: DeviceResult): Command {
  const { at } = result;
  if (isFinal(command.status)) return late(command, result);
  if (at >= command.expiresAt) return late(expired(command, null), result);
  const step = stepOf(result);
  if (isFinal(step.status)) return ended(command, step, step.status);
  const isNews = step.status === 'progress' || isWaiting(command);
  return isNews ? withStep(command, brief(step)) : command;
}

/** Its time has run out; `reason`: what it waited for. Ends at `expiresAt`, however late that is noticed. */
export function expired(command: Command, reason: string | null): Command {
  const why = reason === null ? 'its ttl ran out' : `its ttl ran out: ${reason}`;
  return ended(command, { status: 'expired', at: command.expiresAt, reason: why }, 'expired');
}

/** The broker or a person ends it. */
export function endedBy(
  command: Command,
  status: 'failed' | 'expired' | 'cancelled',
  why: { readonly at: number; readonly reason: string; readonly by?: string },
): Command {
  return ended(command, { status, ...why }, status);
}

/** The first end is the end: one that is final stays what it is. */
function ended(command: Command, step: CommandStep, status: FinalStatus): Command {
  if (isFinal(command.status)) return command;
  const result = step.session !== undefined && step.data !== undefined ? { result: step.data } : {};
  return { ...withStep({ ...command, status }, step), endedAt: step.at, ...result };
}

function withStep(command: Command, step: CommandStep): Command {
  const { timeline } = command;
  const isFull = timeline.length >= MAX_STEPS && timeline.at(-1)?.status === 'progress';
  const kept = isFull && step.status === 'progress' ? timeline.slice(0, -1) : timeline;
  return { ...command, status: step.status, timeline: [...kept, step] };
}

/** Only what is new: a device that sends its result again, for it has no acknowledgement, says nothing. */
function late(command: Command, result: DeviceResult): Command {
  const step = stepOf(result);
  if (!isFinal(step.status)) return command;
  const known = command.timeline.some(
    ({ status, session }) => status === step.status && session !== undefined,
  );
  const lateSteps = command.timeline.filter((one) => one.late).length;
  if (known || lateSteps >= MAX_LATE_STEPS) return command;
  return { ...command, timeline: [...command.timeline, { ...step, late: true }] };
}

function brief(step: CommandStep): CommandStep {
  const { data, ...rest } = step;
  const bytes = data === undefined ? 0 : encode(data).length;
  if (bytes <= MAX_STEP_BYTES) return step;
  return {
    ...rest,
    reason: `Its data of ${bytes} bytes was left out: on the way ${MAX_STEP_BYTES} are kept.`,
  };
}

function stepOf({ frame, session, at }: DeviceResult): CommandStep {
  const status = RESULT_STATUSES[frame.status] as CommandStatus;
  const data: Value = frame.data;
  return { status, at, session, ...(data === null ? {} : { data }) };
}
