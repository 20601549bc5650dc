/**
 * Checks decoded frames against `schemas/frames.ts` with ajv. The frames that come by the thousand are checked while they
 * are read instead (reader.ts). Owns the compiled schemas.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { FRAME_SCHEMAS, type FrameName } from '../../schemas/frames.ts';

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictTuples: false });

ajv.addKeyword({
  keyword: 'byteString',
  compile:
    ([least, most]: [number, number]) =>
    (data: unknown) =>
      data instanceof Uint8Array && data.length >= least && data.length <= most,
});

ajv.addKeyword({
  keyword: 'textBytes',
  type: 'string',
  error: { message: ({ schema }) => `must be ${schema[0]} to ${schema[1]} bytes` },
  compile:
    ([least, most]: [number, number]) =>
    (data: string) => {
      // No code unit of UTF-16 takes more than 3 bytes.
      const bytes = data.length * 3 <= most ? data.length : Buffer.byteLength(data);
      return bytes >= least && bytes <= most;
    },
});

ajv.addKeyword({ keyword: 'cborMap', validate: (_: true, data: unknown) => !(data instanceof Uint8Array) });

const compiled = new Map<FrameName, ValidateFunction>();

/** null if the frame fits its schema, else what is wrong with it, as `path problem`. */
export function checkFrame(name: FrameName, frame: unknown): string | null {
  const validate = compiled.get(name) ?? ajv.compile(FRAME_SCHEMAS[name]);
  compiled.set(name, validate);
  if (validate(frame)) return null;
  const error = validate.errors?.[0];
  return `${name}${error?.instancePath ?? ''} ${error?.message ?? 'is not valid'}`;
}
