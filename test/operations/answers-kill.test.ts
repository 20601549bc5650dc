/**
 * What a device said and the broker had no time to save: a result and a reported document that went before a telemetry
 * frame which was acknowledged are there after a `kill -9` (docs/decisions/0007-results-in-the-log.md).
 */
import { expect, it } from 'vitest';
import { encodeHello, encodeReported, encodeResult, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import type { CommandView } from '../../schemas/api/commands.ts';
import type { Documents } from '../../schemas/api/desired.ts';
import { startProcess } from '../helpers/broker-process.ts';
import { connect } from '../helpers/device.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const DONE = 3;
/** Nothing of what devices say is saved but by the log. */
const env = { SIGNALBOX_STORE_CHECKPOINT_SECONDS: '3600' };

it('an answer is durable once a later frame is acknowledged', async () => {
  const data = temporaryFolder();
  const first = await startProcess({ data, env });
  const key = await first.deviceKey('acme', 'pump');
  const device = await connect(first.url, { key });
  device.send(encodeHello({ boot: 7, ackWithin: 0 }), encodeTelemetry(1, null, { temp: 21 }));
  await device.acknowledged(1);
  const { id } = await first.api<CommandView>('/devices/acme/pump/commands', { name: 'open' });
  const frame = await device.next();
  expect(frame).toMatchObject({ kind: FRAME.command, id, name: 'open' });
  device.send(
    encodeResult(id, DONE, { opened: true }),
    encodeReported(0, { valve: 'open' }),
    encodeTelemetry(2, null, { temp: 22 }),
  );
  await device.acknowledged(2);
  await first.kill();

  const second = await startProcess({ data, env });
  const command = await second.api<CommandView>(`/commands/${id}`);
  expect(command).toMatchObject({ status: 'done', result: { opened: true } });
  const documents = await second.api<Documents>('/devices/acme/pump/desired');
  expect(documents.reported).toMatchObject({ version: 0, values: { valve: 'open' } });
  expect(await second.stop()).toBe(0);
});
