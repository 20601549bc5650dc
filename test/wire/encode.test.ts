import { describe, expect, it } from 'vitest';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import {
  encodeAck,
  encodeBatch,
  encodeCommand,
  encodeDesired,
  encodeError,
  encodeEvent,
  encodeHello,
  encodeReported,
  encodeResult,
  encodeTelemetry,
  encodeWelcome,
} from '../../broker/wire/encode.ts';
import { type BrokerFrame, type DeviceFrame, FRAME, type Value } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import type { ErrorCode } from '../../schemas/errors.ts';
import { fromHex, vectors } from '../helpers/vectors.ts';

type Encoders<Frame extends { readonly kind: number }> = {
  readonly [Kind in Frame['kind']]: (frame: Extract<Frame, { readonly kind: Kind }>) => Uint8Array;
};

const BROKER: Encoders<BrokerFrame> = {
  [FRAME.welcome]: encodeWelcome,
  [FRAME.ack]: ({ seq }) => encodeAck(seq),
  [FRAME.command]: ({ id, name, args, ttl }) => encodeCommand(id, name, args, ttl),
  [FRAME.desired]: ({ version, values }) => encodeDesired(version, values),
  [FRAME.error]: ({ code, message, seq, commandId }) =>
    encodeError(code as ErrorCode, message, seq, commandId),
};

const byName = (names: readonly string[], values: readonly Value[]) =>
  Object.fromEntries(values.map((value, index) => [names[index] as string, value]));

/** `u4711` or `b0102…` as hello carries it. */
const boot = (name: string) => (name.startsWith('u') ? Number(name.slice(1)) : fromHex(name.slice(1)));

const given = (options: object) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null));

const DEVICE: Encoders<DeviceFrame> = {
  [FRAME.hello]: ({ kind, boot: name, ...options }) =>
    encodeHello({ ...given(options), ...(name === null ? {} : { boot: boot(name) }) }),
  [FRAME.telemetry]: ({ seq, time, names, values }) => encodeTelemetry(seq, time, byName(names, values)),
  [FRAME.batch]: ({ seq, time, samples }) =>
    encodeBatch(
      seq,
      time,
      samples.map(({ dt, names, values }) => [dt, byName(names, values)]),
    ),
  [FRAME.event]: ({ seq, time, severity, name, data }) => encodeEvent(seq, time, severity, name, data),
  [FRAME.result]: ({ id, status, data }) => encodeResult(id, status, data),
  [FRAME.reported]: ({ version, values }) => encodeReported(version, values),
};

function encoded<Frame extends { readonly kind: number }>(encoders: Encoders<Frame>, frame: Frame) {
  return (encoders[frame.kind as Frame['kind']] as (frame: Frame) => Uint8Array)(frame);
}

describe('the encoders', () => {
  it.each(vectors('broker-frames'))('write the bytes of the vector: $name', ({ hex, frame }) => {
    const bytes = encoded<BrokerFrame>(BROKER, frame as unknown as BrokerFrame);
    expect(Buffer.from(bytes).toString('hex')).toBe(hex);
  });

  it.each(vectors('device-frames'))('write what the broker reads the same: $name', ({ hex, fields }) => {
    const reader = new FrameReader();
    reader.fields = fields ?? null;
    const frame = reader.read(fromHex(hex));
    const again = reader.read(encoded<DeviceFrame>(DEVICE, frame));
    // A shorter array means that the rest was not read (P-2.4); by name the rest is not there.
    expect(sampled(again)).toEqual(sampled(frame));
  });

  it('leave out of hello what is not given', () => {
    expect(Buffer.from(encodeHello({})).toString('hex')).toBe('8200a0');
  });

  it('return bytes of their own, which the next frame does not change', () => {
    const first = encodeTelemetry(1, null, { a: 1 });
    const copy = Uint8Array.from(first);
    encodeTelemetry(2, null, { b: 2 });
    expect(first).toEqual(copy);
    expect(first.buffer.byteLength).toBe(first.length);
  });
});

function sampled(frame: DeviceFrame): unknown {
  return 'names' in frame ? { ...frame, names: frame.names.slice(0, frame.values.length) } : frame;
}

describe('a device that reads the broker', () => {
  const limits = { frameBytes: 65536, framesPerSecond: null, bytesPerSecond: null, window: 8 };

  it('P-2.1: ignores frames of a number that it does not know', () => {
    expect(parseBrokerFrame(Uint8Array.of(0x82, 0x15, 0x01))).toBe(null);
  });

  it('P-2.1: ignores elements and keys that a later version added', () => {
    expect(parseBrokerFrame(Uint8Array.of(0x83, 0x11, 0x05, 0xf5))).toEqual({ kind: FRAME.ack, seq: 5 });
    const welcome = { session: 's', time: 1, keepalive: 30, limits };
    const later = { ...welcome, kind: 99, limits: { ...limits, streams: 4 } };
    expect(parseBrokerFrame(encodeWelcome(later))).toEqual({ kind: FRAME.welcome, ...welcome });
  });

  it.each([
    ['a map', 'a0', 'not-an-array'],
    ['a word of JavaScript in place of the number', '8168746f537472696e67', 'not-an-array'],
    ['the number as a text', '8262313701', 'not-an-array'],
    ['an ack without its seq', '8111', 'unknown-frame'],
    ['an ack below zero', '821120', 'unknown-frame'],
    ['nothing', '', 'truncated'],
  ])('refuses %s', (_what, hex, code) => {
    expect(() => parseBrokerFrame(fromHex(hex))).toThrow(expect.objectContaining({ code }));
  });
});
