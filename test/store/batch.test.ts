/** What is written into a batch is what is read from it, and how many bytes that takes. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  BatchBuilder,
  type BatchEntry,
  readBatch,
  type SessionEvent,
  SourceHandle,
} from '../../broker/store/batch.ts';
import { fc } from '../helpers/fast-check.ts';

const NOW = 1_780_000_000_000;
/** Of a record in a segment file, which its payload follows. */
const HEADER = 16;

function source(device: string, fields: readonly string[] | null = null) {
  return { customer: 'acme', device, session: `of ${device}`, boot: 'u1', fields };
}

function takeEntries(builder: BatchBuilder): BatchEntry[] {
  const { sources } = builder;
  return builder.take().flatMap((payload) => [...readBatch({ payload, sources })]);
}

/** Short, since comparing bytes one by one takes long. */
function line(device: string, time: number, bytes: Uint8Array): string {
  return `${device} ${time} ${bytes.length} ${crc32(bytes)}`;
}

function said(entry: BatchEntry): string {
  return entry.kind === 'frame' ? line(entry.source.device, entry.arrival, entry.frame) : entry.kind;
}

const ended: SessionEvent = {
  type: 'ended',
  reason: 'asleep',
  sleep: { until: NOW + 60_000, overdueAt: NOW + 90_000 },
};

describe('a batch', () => {
  it('gives back frames and sessions in the order in which they came, each with its source', () => {
    const builder = new BatchBuilder();
    const pump = new SourceHandle(source('pump', ['temp', 'rpm']));
    const fan = new SourceHandle(source('fan'));
    builder.addSession(pump, NOW, { type: 'opened' });
    builder.add(pump, NOW + 1, Uint8Array.of(1, 2, 3));
    builder.add(fan, NOW - 5000, Uint8Array.of(4));
    builder.addSession(pump, NOW + 2, { type: 'ready' });
    builder.addSession(pump, NOW + 3, ended);
    expect(builder.entries).toBe(5);
    expect(takeEntries(builder)).toEqual([
      { kind: 'session', source: pump.source, at: NOW, event: { type: 'opened' } },
      { kind: 'frame', source: pump.source, arrival: NOW + 1, frame: Buffer.of(1, 2, 3) },
      { kind: 'frame', source: fan.source, arrival: NOW - 5000, frame: Buffer.of(4) },
      { kind: 'session', source: pump.source, at: NOW + 2, event: { type: 'ready' } },
      { kind: 'session', source: pump.source, at: NOW + 3, event: ended },
    ]);
    expect([builder.bytes, builder.entries, builder.take()]).toEqual([0, 0, []]);
  });

  it('writes a source once, until sources begin anew', () => {
    const builder = new BatchBuilder();
    const pump = new SourceHandle(source('a-long-name-of-a-pump'));
    const holdsName = () =>
      builder.take().some((payload) => Buffer.from(payload).includes('a-long-name-of-a-pump'));
    const add = () => builder.add(pump, NOW, Uint8Array.of(1));
    add();
    expect(holdsName()).toBe(true);
    add();
    expect(holdsName()).toBe(false);
    // A batch that fills already goes on with the sources that it has.
    add();
    builder.beginSources();
    add();
    expect(holdsName()).toBe(false);
    add();
    expect(holdsName()).toBe(true);
    add();
    expect(holdsName()).toBe(false);
  });

  it('is cut into records of 512 KiB, in which nothing is missing', () => {
    const builder = new BatchBuilder();
    const pump = new SourceHandle(source('pump'));
    const fan = new SourceHandle(source('fan'));
    const frames = Array.from({ length: 80 }, (_, index) => new Uint8Array(60_000).fill(index));
    for (const [index, frame] of frames.entries()) builder.add(index < 40 ? pump : fan, NOW + index, frame);
    expect(builder.bytes).toBeGreaterThan(80 * 60_000);
    const { sources } = builder;
    const payloads = builder.take();
    const sizes = payloads.map(({ length }) => length + HEADER);
    expect(payloads.length).toBe(10);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(512 * 1024);
    const entries = payloads.flatMap((payload) => [...readBatch({ payload, sources })]);
    expect(entries.map(said)).toEqual(
      frames.map((frame, index) => line(index < 40 ? 'pump' : 'fan', NOW + index, frame)),
    );
  });

  it('gives back anything', () => {
    const entry = fc.record({
      device: fc.integer({ min: 0, max: 300 }),
      time: fc.oneof(
        fc.integer({ min: NOW - 100, max: NOW + 100 }),
        fc.integer({ min: 0, max: 9_000_000_000_000 }),
      ),
      bytes: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(65_536))),
    });
    fc.assert(
      fc.property(fc.array(fc.array(entry, { maxLength: 30 })), (batches) => {
        const builder = new BatchBuilder(100);
        const handles = new Map<number, SourceHandle>();
        for (const batch of batches) {
          for (const { device, time, bytes } of batch) {
            const handle = handles.get(device) ?? new SourceHandle(source(`d${device}`));
            handles.set(device, handle);
            builder.add(handle, time, bytes);
          }
          expect(takeEntries(builder).map(said)).toEqual(
            batch.map(({ device, time, bytes }) => line(`d${device}`, time, bytes)),
          );
          if (batch.length === 3) builder.beginSources();
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('a record', () => {
  const sources = [source('pump')];
  const read = (payload: Uint8Array) => [...readBatch({ payload, sources })];

  it('that no builder wrote is an error', () => {
    expect(() => read(Uint8Array.of(9, 9, 9))).toThrow('unknown entry 9 at 0');
    const builder = new BatchBuilder();
    builder.add(new SourceHandle(source('pump')), NOW, Uint8Array.of(1, 2));
    const [payload] = builder.take() as [Uint8Array];
    expect(() => read(payload.subarray(0, -1))).toThrow('runs past the end');
    const named = read(payload).length;
    expect(named).toBe(1);
    expect(() => [...readBatch({ payload, sources: [] })]).toThrow('unknown source');
  });

  it('of a newer version says so instead of being read wrongly', () => {
    const builder = new BatchBuilder();
    builder.add(new SourceHandle(source('pump')), NOW, Uint8Array.of(1, 2));
    const [payload] = builder.take() as [Uint8Array];
    payload[payload.length - 6] = 4;
    expect(() => read(payload)).toThrow('unknown entry 4 at 78: a newer version may have written it');
  });
});

describe('a frame of 58 bytes takes at most 80 bytes of the log, headers and sources included,', () => {
  const SEGMENT = 64 * 1024 * 1024;
  const fields = ['temperature', 'pressure', 'humidity', 'rpm', 'vibration', 'voltage', 'current', 'state'];

  function bytesOfFrame(devices: number, framesOfBatch: number): number {
    const builder = new BatchBuilder();
    const handles = Array.from(
      { length: devices },
      (_, index) =>
        new SourceHandle({ ...source(`simulated-pump-${index}`), session: 'a'.repeat(16), fields }),
    );
    const frame = new Uint8Array(58);
    let bytes = 0;
    let frames = 0;
    for (; bytes < SEGMENT; frames += framesOfBatch) {
      const now = NOW + Math.floor(frames / 5);
      for (let index = 0; index < framesOfBatch; index += 1) {
        builder.add(handles[(frames + index) % devices] as SourceHandle, now, frame);
      }
      for (const { length } of builder.take()) bytes += HEADER + length;
    }
    return bytes / frames;
  }

  it('with 10,000 devices that send 50,000 a second', () => {
    expect(bytesOfFrame(10_000, 250)).toBeLessThan(68);
  });

  it('with 1,000 devices that send 5,000 a second', () => {
    expect(bytesOfFrame(1000, 25)).toBeLessThan(68);
  });
});
