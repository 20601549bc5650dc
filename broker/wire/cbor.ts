/**
 * Encodes CBOR that any reader understands, with cbor-x; decodes only what this program itself has encoded. What comes
 * from a device, or from the broker to one, is decoded strictly by `item-reader.ts`.
 */
import { Encoder } from 'cbor-x';

const encoder = new Encoder({
  useRecords: false,
  variableMapSize: true,
  tagUint8Array: false,
  // A byte string that is kept must not keep the page of the store that it came in.
  copyBuffers: true,
});

/** A fresh copy: cbor-x reuses its buffer. */
export function encode(value: unknown): Uint8Array {
  return new Uint8Array(encoder.encode(value));
}

export function decode(bytes: Uint8Array): unknown {
  return encoder.decode(bytes);
}
