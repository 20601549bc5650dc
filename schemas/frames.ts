/**
 * The frames of `signalbox.v1` as arrays in their layout (P-2.3): the one source of their schemas. Elements after the
 * last that is named here are ignored by a receiver (P-2.1). JSON Schema knows no byte strings: where one may stand,
 * the keyword `byteString` says so with its lengths, and `cborMap` tells a map from one; other tools ignore both.
 */
import Type from 'typebox';

export const METRIC_NAME = '^[A-Za-z_][A-Za-z0-9_.-]{0,63}$';

/** No map may hold these keys (P-2.2), so nothing whose name becomes a key may bear them either (P-1.4). */
export const FORBIDDEN_NAMES = ['__proto__', 'constructor', 'prototype'] as const;

const MetricName = Type.String({ pattern: METRIC_NAME, not: { enum: FORBIDDEN_NAMES } });
const Uint = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Seq = Type.Union([Uint, Type.Null()], {
  description: 'Rises with each frame of a boot; null: no acknowledgement wanted (P-4.1).',
});
const Time = Type.Union([Type.Number(), Type.Null()], {
  description: 'null: on arrival; 0 or above: Unix ms; below 0: ms before arrival (P-4.4).',
});
const AnyValue = Type.Unknown({ description: 'A value inside the profile (P-2.4).' });
const map = { cborMap: true };
const NamedValues = Type.Record(Type.String({ pattern: METRIC_NAME }), AnyValue, {
  additionalProperties: false,
  ...map,
});
const Values = Type.Union([NamedValues, Type.Array(AnyValue)], {
  description: 'A map of metrics, or an array in the order of the fields of hello (P-2.4).',
});

/** A frame: its number, then its parts; `required` of them must be there. */
const frame = (
  title: string,
  number: number,
  parts: Parameters<typeof Type.Tuple>[0],
  required = parts.length,
) =>
  Type.Unsafe<readonly unknown[]>({
    title,
    type: 'array',
    prefixItems: [Type.Literal(number), ...parts],
    minItems: 1 + required,
  });

const Boot = Type.Unsafe<number | Uint8Array>({
  description: 'One run of the device: a random uint, or 8 to 16 bytes (P-3.2).',
  anyOf: [Uint, { byteString: [8, 16] }],
});

/** Kept in memory for every device, so it is small and flat. */
const Meta = Type.Record(
  Type.String(),
  Type.Union([Type.String({ maxLength: 256 }), Type.Number(), Type.Boolean(), Type.Null()]),
  { maxProperties: 32, ...map },
);

const HelloOptions = Type.Object(
  {
    boot: Type.Optional(Boot),
    fields: Type.Optional(Type.Array(MetricName, { minItems: 1, maxItems: 256, uniqueItems: true })),
    model: Type.Optional(Type.String({ maxLength: 128 })),
    firmware: Type.Optional(Type.String({ maxLength: 128 })),
    ackWithin: Type.Optional(Type.Number({ minimum: 0, maximum: 10000 })),
    meta: Type.Optional(Meta),
  },
  map,
);

const Limits = Type.Object({
  frameBytes: Type.Integer(),
  framesPerSecond: Type.Union([Type.Number(), Type.Null()]),
  bytesPerSecond: Type.Union([Type.Number(), Type.Null()]),
  window: Type.Integer(),
});

const CommandId = Type.String({ minLength: 1, maxLength: 64 });

/** Name → schema. Numbers 0 to 15 come from devices, 16 and above from the broker. */
export const FRAME_SCHEMAS = {
  hello: frame('hello', 0, [HelloOptions]),
  telemetry: frame('telemetry', 1, [Seq, Time, Values]),
  batch: frame('batch', 2, [
    Seq,
    Time,
    Type.Array(Type.Unsafe({ type: 'array', prefixItems: [Type.Number(), Values], minItems: 2 })),
  ]),
  event: frame('event', 3, [Seq, Time, Type.Integer({ minimum: 0, maximum: 7 }), MetricName, AnyValue], 4),
  result: frame('result', 4, [CommandId, Type.Integer({ minimum: 1, maximum: 5 }), AnyValue], 2),
  reported: frame('reported', 5, [Uint, NamedValues]),
  welcome: frame('welcome', 16, [
    Type.Object({ session: Type.String(), time: Type.Number(), keepalive: Type.Number(), limits: Limits }),
  ]),
  ack: frame('ack', 17, [Type.Integer({ minimum: 0 })]),
  command: frame('command', 18, [CommandId, MetricName, AnyValue, Type.Number({ minimum: 0 })]),
  desired: frame('desired', 19, [Type.Integer({ minimum: 0 }), NamedValues]),
  error: frame('error', 20, [Type.String(), Type.String(), Seq], 2),
} as const;

export type FrameName = keyof typeof FRAME_SCHEMAS;
