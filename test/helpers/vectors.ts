/** The wire vectors of schemas/vectors, as data for tests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Vector {
  readonly name?: string;
  readonly hex: string;
  readonly diagnostic?: string;
  readonly fields?: readonly string[];
  readonly frame?: Readonly<Record<string, unknown>>;
  readonly value?: unknown;
  readonly error?: string;
  readonly seq?: number;
  /** false: JSON Schema cannot tell that it is refused. */
  readonly jsonSchema?: false;
}

export function vectors(file: string): readonly Vector[] {
  const path = join(import.meta.dirname, '../../schemas/vectors', `${file}.json`);
  return (JSON.parse(readFileSync(path, 'utf8')) as { vectors: Vector[] }).vectors;
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
}

/** As the vectors' JSON writes it: a byte string is `{"$bytes": hex}`, and JSON knows no minus zero. */
export function asJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asJson(inner)]));
  }
  return Object.is(value, -0) ? 0 : value;
}
