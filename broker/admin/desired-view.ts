/** Desired and reported state as the HTTP API tells it, and its entity tags (RFC 9110, section 8.8.3). Pure. */
import type { Documents } from '../../schemas/api.ts';
import type { DesiredDesk, DeviceDocuments, Difference } from '../hub/desired/document.ts';
import type { Device } from '../hub/fleet/device.ts';
import { jsonValue } from '../hub/json-value.ts';
import type { ValueMap } from '../wire/frames.ts';
import { Refusal } from './refusal.ts';

export function documentsView(
  device: Device,
  desk: Pick<DesiredDesk, 'documents' | 'difference' | 'obstacle'>,
): Documents {
  const documents = desk.documents(device);
  const { desired, reported } = documents;
  const difference = Object.entries(desk.difference(documents));
  const obstacle = desk.obstacle(device);
  return {
    device: device.name,
    desired: desired && { ...desired, values: jsonMap(desired.values) },
    reported: reported && { ...reported, values: jsonMap(reported.values) },
    difference: Object.fromEntries(difference.map(([name, sides]) => [name, sidesView(sides)])),
    inSync: difference.length === 0,
    ...(obstacle !== null && { obstacle }),
  };
}

function sidesView({ desired, reported }: Difference): { desired?: unknown; reported?: unknown } {
  return {
    ...(desired !== undefined && { desired: jsonValue(desired) }),
    ...(reported !== undefined && { reported: jsonValue(reported) }),
  };
}

function jsonMap(values: ValueMap): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, jsonValue(value)]));
}

/** The tag of the desired document: its version, `"0"` for none. */
export function entityTag({ desired }: DeviceDocuments): string {
  return `"${desired?.version ?? 0}"`;
}

/**
 * The version that the caller has seen; null: it does not say, or `*`. One tag as this API gave it: a weak one never
 * matches (RFC 9110, section 13.1.1), and a proxy that makes tags weak should be told apart from a lost update.
 */
export function expectedVersion(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null;
  const version = /^\s*"(\d{1,15})"\s*$/.exec(ifMatch)?.[1];
  if (version !== undefined) return Number(version);
  const weak = /^\s*W\//.test(ifMatch);
  throw new Refusal(
    'bad-request',
    `If-Match must be * or the ETag of an answer, such as "3"${weak ? '; a weak tag (W/) never matches' : ''}.`,
  );
}
