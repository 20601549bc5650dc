/** Whether a desired document can be sent to a device. Pure. */
import { METRIC_NAME } from '../../../schemas/frames.ts';
import { encodeDesired } from '../../wire/encode.ts';
import type { ValueMap } from '../../wire/frames.ts';
import { HubRefusal } from '../refusal.ts';
import { checkProfile, checkSize, isName } from '../sendable.ts';

/** The frame around the values: an array, its number, a version of one byte. */
const AROUND = 3;

/** Throws HubRefusal that says what is wrong with it. `bytes`: the limit of the values as CBOR. */
export function checkDocument(values: ValueMap, bytes: number): void {
  const wrong = Object.keys(values).find((name) => !isName(name));
  if (wrong !== undefined) {
    throw new HubRefusal('bad-request', `The name "${wrong}" must match ${METRIC_NAME} (P-1.4).`);
  }
  const frame = encodeDesired(0, values);
  const setting = 'commands.desiredBytes';
  checkSize(frame.length - AROUND, 'The document takes', { bytes, setting, code: 'desired-too-large' });
  checkProfile(frame, 'The document');
}
