/** What is written into a batch is what is read from it. */
import { describe, expect, it } from 'vitest';
import { BatchBuilder, readBatch, type SessionEvent, SourceHandle } from '../../broker/store/batch.ts';

const NOW = 1_780_000_000_000;

function source(device: string, fields: readonly string[] | null = null) {
  return { customer: 'acme', device, session: `of ${device}`, boot: 'u1', fields };
}

describe('a batch', () => {
  it('gives back frames and sessions in the order in which they came, each with its source', () => {
    const builder = new BatchBuilder();
    const pump = new SourceHandle(source('pump', ['temp', 'rpm']));
    const fan = new SourceHandle(source('fan'));
    const ended: SessionEvent = {
      type: 'ended',
      reason: 'asleep',
      sleep: { until: NOW + 60_000, overdueAt: NOW + 90_000 },
    };
    builder.addSession(pump, NOW, { type: 'opened' });
    builder.add(pump, NOW + 1, Uint8Array.of(1, 2, 3));
    builder.add(fan, NOW - 5000, Uint8Array.of(4));
    builder.addSession(pump, NOW + 2, { type: 'ready' });
    builder.addSession(pump, NOW + 3, ended);
    expect(builder.entries).toBe(5);
    expect([...readBatch({ payload: builder.take() })]).toEqual([
      { kind: 'session', source: pump.source, at: NOW, event: { type: 'opened' } },
      { kind: 'frame', source: pump.source, arrival: NOW + 1, frame: Buffer.of(1, 2, 3) },
      { kind: 'frame', source: fan.source, arrival: NOW - 5000, frame: Buffer.of(4) },
      { kind: 'session', source: pump.source, at: NOW + 2, event: { type: 'ready' } },
      { kind: 'session', source: pump.source, at: NOW + 3, event: ended },
    ]);
  });

  it('that no builder wrote is an error', () => {
    expect(() => [...readBatch({ payload: Uint8Array.of(9, 9, 9) })]).toThrow('unknown entry 9 at 0');
  });
});
