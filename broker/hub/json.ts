/**
 * Writes values of devices as JSON for the HTTP API, the live channel and the bridge. JSON holds all of the profile
 * (P-2.2: finite numbers, text keys) but byte strings, which become `{"base64": "…"}` (RFC 4648 section 4, with padding).
 * The way back makes a value inside the profile of what a person or a program sent, or refuses it and names the place of
 * the fault. Pure.
 */
import { FORBIDDEN_NAMES } from '../../schemas/frames.ts';
import { PROFILE, type Value, type ValueMap } from '../wire/frames.ts';
import { HubRefusal } from './refusal.ts';

export type JsonValue =
  | number
  | string
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** The value for `JSON.stringify`; arrays and maps are copied. */
export function toJson(value: Value): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return { base64: base64(value) };
  if (isArray(value)) return value.map(toJson);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJson(member)]));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** `Array.isArray` does not narrow to a readonly array. */
function isArray(value: object): value is readonly Value[] {
  return Array.isArray(value);
}

/** A value stands inside a frame, which is an array itself: `[18, id, name, args, ttl]`. */
const FRAME_DEPTH = 1;
const FRAME_ITEMS = 5;

const FORBIDDEN: ReadonlySet<string> = new Set(FORBIDDEN_NAMES);
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Counts what a frame may hold in all. */
interface Budget {
  items: number;
}

/** `place`: how to name the value, such as `body.args`. Throws HubRefusal `bad-request` that names the place inside. */
export function parseValue(json: unknown, place: string): Value {
  return convert(json, place, FRAME_DEPTH + 1, { items: PROFILE.items - FRAME_ITEMS });
}

/** The same for what must be a map, whatever its keys are. */
export function parseValueMap(json: unknown, place: string): ValueMap {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return refuse(place, 'must be a map');
  const budget = { items: PROFILE.items - FRAME_ITEMS };
  count(place, budget);
  return convertMap(json, place, FRAME_DEPTH + 1, budget);
}

function convert(json: unknown, place: string, depth: number, budget: Budget): Value {
  count(place, budget);
  if (json === null || typeof json === 'boolean') return json;
  if (typeof json === 'number') return checkedNumber(json, place);
  if (typeof json === 'string') return checkedText(json, place);
  if (typeof json !== 'object') return refuse(place, 'is nothing that JSON can hold');
  if (Array.isArray(json)) return convertArray(json, place, depth, budget);
  const bytes = byteString(json, place);
  return bytes ?? convertMap(json, place, depth, budget);
}

function convertArray(array: readonly unknown[], place: string, depth: number, budget: Budget): Value {
  checkDepth(place, depth);
  const { elements } = PROFILE;
  if (array.length > elements)
    refuse(place, `has ${array.length} elements; an array holds at most ${elements}`);
  return array.map((element, index) => convert(element, `${place}.${index}`, depth + 1, budget));
}

function convertMap(map: object, place: string, depth: number, budget: Budget): ValueMap {
  checkDepth(place, depth);
  const entries = Object.entries(map);
  const { pairs } = PROFILE;
  if (entries.length > pairs) refuse(place, `has ${entries.length} keys; a map holds at most ${pairs}`);
  // fromEntries defines members: no key can reach a prototype.
  return Object.fromEntries(
    entries.map(([key, member]) => {
      checkKey(key, place);
      count(place, budget);
      return [key, convert(member, `${place}.${key}`, depth + 1, budget)] as const;
    }),
  );
}

/** null: the map is one. */
function byteString(map: object, place: string): Uint8Array | null {
  const [entry, more] = Object.entries(map);
  if (!entry || more || entry[0] !== 'base64' || typeof entry[1] !== 'string') return null;
  const bytes = Buffer.from(entry[1], 'base64');
  if (bytes.toString('base64') !== entry[1]) {
    refuse(`${place}.base64`, 'stands for a byte string and is not base64 with padding (RFC 4648 section 4)');
  }
  const { byteStringBytes } = PROFILE;
  if (bytes.length > byteStringBytes) {
    refuse(place, `has ${bytes.length} bytes; a byte string holds at most ${byteStringBytes}`);
  }
  return new Uint8Array(bytes);
}

function checkedNumber(number: number, place: string): number {
  if (!Number.isFinite(number)) refuse(place, 'is too large for a number');
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    refuse(place, 'is beyond plus or minus 2^53-1, where integers are rounded; send it as text');
  }
  return number;
}

function checkedText(text: string, place: string): string {
  if (LONE_SURROGATE.test(text)) refuse(place, 'holds half of a surrogate pair, which UTF-8 cannot hold');
  const bytes = Buffer.byteLength(text);
  const { textBytes } = PROFILE;
  if (bytes > textBytes) refuse(place, `has ${bytes} bytes; a text holds at most ${textBytes}`);
  return text;
}

function checkKey(key: string, place: string): void {
  const bytes = Buffer.byteLength(key);
  const { keyBytes } = PROFILE;
  if (bytes === 0) refuse(place, 'has an empty key');
  if (bytes > keyBytes) {
    refuse(place, `has the key ${JSON.stringify(key.slice(0, 32))}… of ${bytes} bytes; at most ${keyBytes}`);
  }
  if (FORBIDDEN.has(key)) refuse(place, `has the key ${key}, which no map may hold`);
  if (LONE_SURROGATE.test(key)) refuse(place, 'has a key with half of a surrogate pair');
}

function checkDepth(place: string, depth: number): void {
  if (depth <= PROFILE.depth) return;
  refuse(place, `lies too deep; nest at most ${PROFILE.depth - FRAME_DEPTH} levels`);
}

function count(place: string, budget: Budget): void {
  budget.items -= 1;
  if (budget.items >= 0) return;
  refuse(place, `is one value too many; keys and values together are at most ${PROFILE.items - FRAME_ITEMS}`);
}

function refuse(place: string, fault: string): never {
  throw new HubRefusal('bad-request', `${place} ${fault}.`);
}
