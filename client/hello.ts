/** The first frame of a connection (P-3.2). */
import { encodeHello } from '../broker/wire/encode.ts';
import { FrameReader } from '../broker/wire/reader.ts';
import type { DeviceClientOptions } from './options.ts';

/**
 * Says which run of which device this is. Throws FrameError for options that the broker would refuse: without its answer
 * to a hello a device would never come further than the greeting.
 */
export function helloFrame({
  boot,
  fields,
  model,
  firmware,
  ackWithin,
  maxFrame,
  meta,
}: Partial<DeviceClientOptions>): Uint8Array {
  const given = Object.entries({ boot, fields, model, firmware, ackWithin, maxFrame, meta });
  const bytes = encodeHello(Object.fromEntries(given.filter(([, value]) => value !== undefined)));
  new FrameReader().read(bytes);
  return bytes;
}
