/** Whether a desired document can be sent to a device. Pure. */
import { FORBIDDEN_NAMES, METRIC_NAME } from '../../../schemas/frames.ts';
import { encodeDesired } from '../../wire/encode.ts';
import { FrameError } from '../../wire/frame-error.ts';
import type { ValueMap } from '../../wire/frames.ts';
import { decodeItem } from '../../wire/reader.ts';
import { HubRefusal } from '../refusal.ts';

const NAME = new RegExp(METRIC_NAME);
/** The frame around the values: an array, its number, a version of one byte. */
const AROUND = 3;

/** Throws HubRefusal that says what is wrong with it. `limit`: bytes of the values as CBOR. */
export function checkDocument(values: ValueMap, limit: number): void {
  const wrong = Object.keys(values).find(
    (name) => !NAME.test(name) || (FORBIDDEN_NAMES as readonly string[]).includes(name),
  );
  if (wrong !== undefined) {
    throw new HubRefusal('bad-request', `The name "${wrong}" must match ${METRIC_NAME} (P-1.4).`);
  }
  const frame = encodeDesired(0, values);
  const bytes = frame.length - AROUND;
  if (bytes > limit) {
    throw new HubRefusal(
      'desired-too-large',
      `The document takes ${bytes} bytes as CBOR; at most ${limit} are allowed (commands.desiredBytes).`,
      'commands.desiredBytes',
    );
  }
  try {
    decodeItem(frame);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new HubRefusal('bad-request', `The document cannot be sent to a device: ${error.message}`);
  }
}
