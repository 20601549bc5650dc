/** Reads the broker's frames on the device's side: strict profile, schema, and then names for the parts. */
import { checkFrame } from './check.ts';
import { FrameError } from './frame-error.ts';
import { type BrokerFrame, FRAME, type Value, type ValueMap, type WelcomeFrame } from './frames.ts';
import { decodeItem } from './reader.ts';

type WelcomeOptions = Omit<WelcomeFrame, 'kind'>;

const NAMES = { 16: 'welcome', 17: 'ack', 18: 'command', 19: 'desired', 20: 'error' } as const;

/** null for a frame number that this version does not know. Throws FrameError for what is malformed. */
export function parseBrokerFrame(bytes: Uint8Array): BrokerFrame | null {
  const parts = decodeItem(bytes);
  if (!Array.isArray(parts)) throw new FrameError('not-an-array');
  const [kind] = parts;
  if (typeof kind !== 'number') throw new FrameError('not-an-array');
  const name = NAMES[kind as keyof typeof NAMES];
  if (name === undefined) return null;
  const fault = checkFrame(name, parts);
  if (fault !== null)
    throw new FrameError('unknown-frame', `The broker's frame breaks its schema: ${fault}.`);
  return named(parts);
}

function named(parts: readonly Value[]): BrokerFrame {
  switch (parts[0]) {
    case FRAME.welcome:
      return welcome(parts[1] as unknown as WelcomeOptions);
    case FRAME.ack:
      return { kind: FRAME.ack, seq: parts[1] as number };
    case FRAME.command:
      return {
        kind: FRAME.command,
        id: parts[1] as string,
        name: parts[2] as string,
        args: parts[3] as Value,
        ttl: parts[4] as number,
      };
    case FRAME.desired:
      return { kind: FRAME.desired, version: parts[1] as number, values: parts[2] as ValueMap };
    default:
      return {
        kind: FRAME.error,
        code: parts[1] as string,
        message: parts[2] as string,
        seq: (parts[3] as number | null | undefined) ?? null,
        commandId: (parts[4] as string | null | undefined) ?? null,
      };
  }
}

/** Leaves out what a later version may have added. */
function welcome({ session, time, keepalive, limits }: WelcomeOptions): WelcomeFrame {
  const { frameBytes, framesPerSecond, bytesPerSecond, window } = limits;
  return {
    kind: FRAME.welcome,
    session,
    time,
    keepalive,
    limits: { frameBytes, framesPerSecond, bytesPerSecond, window },
  };
}
