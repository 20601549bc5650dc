/**
 * The frames of `signalbox.v1` as arrays in their layout (P-2.3): the one source of their schemas. Elements after the
 * last that is named here are ignored by a receiver (P-2.1). JSON Schema knows no byte strings: where one may stand,
 * the keyword `byteString` says so with its lengths, and `cborMap` tells a map from one. Lengths of text are in bytes, which
 * `textBytes` checks; `maxLength` beside it counts characters, for tools that ignore these keywords.
 */
import Type from 'typebox';

export const METRIC_NAME = '^[A-Za-z_][A-Za-z0-9_.-]{0,63}$';

/** No map may hold these keys (P-2.2), so nothing whose name becomes a key may bear them either (P-1.4). */
export const FORBIDDEN_NAMES = ['__proto__', 'constructor', 'prototype'] as const;

/** The least that a device must be able to receive: every frame of the broker but commands and desired documents (P-3.2). */
export const LEAST_MAX_FRAME = 256;
export const COMMAND_ID_BYTES = 64;
/** P-3.2, in bytes of UTF-8. */
export const HELLO_BYTES = { model: 128, firmware: 128, metaText: 256 } as const;

/** P-7.5: more than a year is not a sleep that anybody waits for. */
export const MOST_SLEEP_SECONDS = 366 * 86_400;

const MetricName = Type.String({ pattern: METRIC_NAME, not: { enum: FORBIDDEN_NAMES } });
const Uint = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Seq = Type.Union([Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), Type.Null()], {
  description: 'From 1, rises with each frame of a boot; null: no acknowledgement wanted (P-4.1).',
});
/** Of the frame that an error is about, as it was sent: 0 is refused, and named. */
const RefusedSeq = Type.Union([Uint, Type.Null()], {
  description: 'null: it is about no numbered frame (P-8).',
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

/** Text of at most so many bytes of UTF-8. */
const text = (least: number, most: number) =>
  Type.Unsafe<string>({ type: 'string', minLength: least, maxLength: most, textBytes: [least, most] });

/** Kept in memory for every device, so it is small and flat. */
const Meta = Type.Record(
  Type.String(),
  Type.Union([text(0, HELLO_BYTES.metaText), Type.Number(), Type.Boolean(), Type.Null()]),
  { maxProperties: 32, ...map },
);

const HelloOptions = Type.Object(
  {
    boot: Type.Optional(Boot),
    fields: Type.Optional(Type.Array(MetricName, { minItems: 1, maxItems: 256, uniqueItems: true })),
    model: Type.Optional(text(0, HELLO_BYTES.model)),
    firmware: Type.Optional(text(0, HELLO_BYTES.firmware)),
    ackWithin: Type.Optional(Type.Number({ minimum: 0, maximum: 10000 })),
    maxFrame: Type.Optional(
      Type.Integer({
        minimum: LEAST_MAX_FRAME,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Bytes of the largest frame that the device can receive (P-3.2).',
      }),
    ),
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

const CommandId = text(1, COMMAND_ID_BYTES);

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
  error: frame(
    'error',
    20,
    [Type.String(), Type.String(), RefusedSeq, Type.Union([CommandId, Type.Null()])],
    2,
  ),
} as const;

export type FrameName = keyof typeof FRAME_SCHEMAS;
