/** Does what each frame of a device asks: one table, frame number → handler (P-2.3). */
import type { ErrorCode } from '../../schemas/errors.ts';
import type { StateRefusal } from '../hub/fleet/metrics.ts';
import type { Acceptance, LiveSource } from '../hub/telemetry/ingest.ts';
import { FrameError } from '../wire/frame-error.ts';
import {
  type DataFrame,
  type DeviceFrame,
  FRAME,
  type HelloFrame,
  type ReportedFrame,
  type ResultFrame,
} from '../wire/frames.ts';
import type { SessionParts } from './parts.ts';

/** What the handlers need of a session. */
export interface FrameSession extends LiveSource {
  readonly session: string;
  readonly state: string;
  /** What the frame at hand costs (P-2.2). */
  readonly frameCost: number;
  readonly parts: Pick<SessionParts, 'ingest' | 'commands' | 'desired' | 'logger' | 'config'>;
  /** Whether the device was told so before. */
  isAdvised(code: ErrorCode): boolean;
  adopt(hello: HelloFrame): void;
  /** `about`: the seq of a numbered frame, or the id of a command. */
  advise(code: ErrorCode, about: number | string | null): void;
}

const REFUSALS: ReadonlySet<Acceptance> = new Set(['too-many-metrics', 'value-too-big', 'state-too-big']);

type Handler<Frame> = (session: FrameSession, frame: Frame, bytes: Uint8Array, now: number) => void;

type Handlers = { readonly [Kind in DeviceFrame['kind']]: Handler<Extract<DeviceFrame, { kind: Kind }>> };

const HANDLERS: Handlers = {
  [FRAME.hello]: hello,
  [FRAME.telemetry]: data,
  [FRAME.batch]: data,
  [FRAME.event]: data,
  [FRAME.result]: result,
  [FRAME.reported]: reported,
};

/** Throws FrameError for a frame that is well-formed but not in its place. */
export function handleFrame(session: FrameSession, frame: DeviceFrame, bytes: Uint8Array, now: number): void {
  (HANDLERS[frame.kind] as Handler<DeviceFrame>)(session, frame, bytes, now);
}

/**
 * P-3.2: adopts the boot and the layout. It is answered when it is committed (`introduced`), and told to everybody
 * then.
 */
function hello(session: FrameSession, frame: HelloFrame, bytes: Uint8Array, now: number): void {
  if (session.state !== 'greeting' && session.state !== 'waited') throw new FrameError('hello-not-first');
  session.adopt(frame);
  session.parts.ingest.acceptHello(session, frame, bytes, now, session.frameCost);
}

function data(session: FrameSession, frame: DataFrame, bytes: Uint8Array, now: number): void {
  const acceptance = session.parts.ingest.accept(session, frame, bytes, now, session.frameCost);
  if (isRefusal(acceptance)) throw new FrameError(acceptance, undefined, frame.seq);
  if (acceptance === 'clock-unset' || acceptance === 'clock-ahead') session.advise(acceptance, frame.seq);
}

/** What does not fit into the device's state; nothing of the frame was taken. */
function isRefusal(acceptance: Acceptance): acceptance is StateRefusal {
  return REFUSALS.has(acceptance);
}

/**
 * P-5: joins the batch whatever it is about, so that the ack of a later frame covers it; a device that answers what
 * nobody asked is told so.
 */
function result(session: FrameSession, frame: ResultFrame, bytes: Uint8Array, now: number): void {
  const { ingest, commands, logger } = session.parts;
  ingest.acceptControl(session, frame, bytes, now, session.frameCost);
  // One word is enough; a device that floods must not have each of its results looked up.
  if (session.isAdvised('unknown-command')) return;
  const advise = (isKnown: boolean): void => {
    if (!isKnown) session.advise('unknown-command', frame.id);
  };
  const known = commands.knows(session.device, frame.id);
  if (typeof known === 'boolean') advise(known);
  // The store reports its failure itself, and the process ends (Stores.onFailure).
  else known.then(advise, (error: unknown) => logger.error({ err: error }, 'A command was not looked up.'));
}

/** P-6.1: which desired version the device has applied; it cannot be one that nobody gave out. */
function reported(session: FrameSession, frame: ReportedFrame, bytes: Uint8Array, now: number): void {
  const latest = session.parts.desired.latestVersion(session.device);
  if (frame.version > latest) throw new FrameError('unknown-version', unknownVersion(frame.version, latest));
  // What it reports is kept as long as its last-known state.
  const { stateBytes } = session.parts.config.limits;
  if (session.frameCost > stateBytes) throw new FrameError('bad-reported', tooMuchReported(stateBytes));
  session.parts.ingest.acceptControl(session, frame, bytes, now, session.frameCost);
}

function tooMuchReported(stateBytes: number): string {
  return `What it reports costs more than ${stateBytes} in memory, limits.stateBytes (P-2.2); report less, or fewer items.`;
}

function unknownVersion(version: number, latest: number): string {
  const newest = latest === 0 ? 'there is no desired document' : `the newest version is ${latest}`;
  return `Version ${version} was never sent, ${newest}; report the version that came, or 0.`;
}
