/** `kill -9` under load: what was acknowledged is there, and nothing is there twice. A ledger on the devices' side decides. */
import { describe, expect, it } from 'vitest';
import { readBatch } from '../../broker/store/batch.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import { type BrokerProcess, startProcess } from '../helpers/broker-process.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { startStores } from '../store/harness.ts';
import { LedgerDevice } from './ledger.ts';

const KILLS = 20;
const DEVICES = 10;
/** Small segments, so that the log changes files under the kills. */
const env = { SIGNALBOX_STORE_SEGMENT_BYTES: '1048576', SIGNALBOX_LIMITS_FRAMES_PER_SECOND: '0' };

/** Acks after which the broker is killed: another moment each time, in some rounds right after the start. */
const acksBeforeKill = (round: number) => (round * 137) % 400;

/** Lets the devices send until the kill. */
async function sendAndKill(
  broker: BrokerProcess,
  devices: readonly LedgerDevice[],
  round: number,
): Promise<void> {
  let acks = 0;
  let killed: Promise<void> | null = null;
  const acked = () => {
    acks += 1;
    if (acks > acksBeforeKill(round)) killed ??= broker.kill();
  };
  await Promise.all(devices.map((device) => device.sendUntilCut(broker.url, acked)));
  await killed;
}

/** Device → the seqs that the log holds of it, in the log's order. */
async function seqsInLog(data: string): Promise<Map<string, number[]>> {
  const { stores, bounds } = await startStores({ folder: data });
  const seqs = new Map<string, number[]>();
  const reader = new FrameReader();
  for await (const record of stores.log.read(bounds.first)) {
    for (const entry of readBatch(record)) {
      if (entry.kind !== 'frame') continue;
      const { source, frame: bytes } = entry;
      const frame = reader.read(bytes);
      if (frame.kind === FRAME.hello) continue;
      if (frame.kind !== FRAME.telemetry || frame.seq === null)
        throw new Error('the log holds another frame');
      const known = seqs.get(source.device) ?? [];
      known.push(frame.seq);
      seqs.set(source.device, known);
    }
  }
  return seqs;
}

describe(`a broker that is killed ${KILLS} times under load`, () => {
  it('has every acknowledged frame, in state and log, and none twice', { timeout: 600_000 }, async () => {
    const data = temporaryFolder();
    const first = await startProcess({ data, env });
    const key = await first.deviceKey('acme');
    await first.kill();
    const devices = Array.from({ length: DEVICES }, (_, index) => new LedgerDevice(`pump-${index}`, key));
    for (let round = 1; round <= KILLS; round += 1) {
      await sendAndKill(await startProcess({ data, env }), devices, round);
    }

    const last = await startProcess({ data, env });
    await Promise.all(devices.map((device) => device.finish(last.url)));
    for (const { id, sent } of devices) {
      const state = await last.api<{ values: object }>(`/devices/acme/${id}/state`);
      expect(state.values).toMatchObject({ n: { value: sent } });
    }
    expect(await last.stop()).toBe(0);

    const seqs = await seqsInLog(data);
    for (const { id, sent } of devices) {
      const held = seqs.get(id) ?? [];
      const wrong = held.findIndex((seq, index) => seq !== index + 1);
      expect({ id, frames: held.length, wrong }).toEqual({ id, frames: sent, wrong: -1 });
    }
    const frames = devices.reduce((sum, { sent }) => sum + sent, 0);
    process.stdout.write(`${KILLS} kills, ${frames} frames\n`);
  });
});
