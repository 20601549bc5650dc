/** The documents of a device as a row of the store: CBOR that only this file reads and writes. Pure. */
import type { DesiredRow } from '../../store/command-ports.ts';
import { decode, encode } from '../../wire/cbor.ts';
import type { DeviceDocuments } from './document.ts';

/** Raise it when the meaning of a member changes; `readDocuments` refuses what it does not know. */
const VERSION = 1;

/** `name`: `customer/device`. `position`: reports of before it are in the documents. */
export function writeDocuments(name: string, documents: DeviceDocuments, position: number): DesiredRow {
  const [customer = '', device = ''] = name.split('/');
  const { desired, reported } = documents;
  return { customer, device, position, body: encode({ version: VERSION, desired, reported }) };
}

/** null: the device was forgotten. */
export function readDocuments({ customer, device, body }: DesiredRow): DeviceDocuments | null {
  if (!body) return null;
  const { version, ...documents } = decode(body) as DeviceDocuments & { readonly version: number };
  if (version === VERSION) return documents;
  throw new Error(`The stored state of ${customer}/${device} has version ${version}, not ${VERSION}.`);
}
