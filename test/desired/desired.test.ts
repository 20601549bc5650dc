/** Desired and reported state (P-6): what a device should be like, also while it is away. */
import { describe, expect, it } from 'vitest';
import { differenceOf } from '../../broker/hub/desired/document.ts';
import { positionOf } from '../../broker/store/position.ts';
import { encode } from '../../broker/wire/cbor.ts';
import type { ValueMap } from '../../broker/wire/frames.ts';

const ANY = { expected: null, by: 'key1' };

function nested(depth: number): ValueMap {
  return depth === 1 ? { a: 1 } : { a: nested(depth - 1) };
}

import { desiredWorld } from './world.ts';

describe('what a device should be like', () => {
  it('has a version that rises with each change, and stays with one that changes nothing', async () => {
    const { desired, device } = await desiredWorld();
    expect(desired.documents(device)).toEqual({ desired: null, reported: null });
    expect(await desired.put(device, { interval: 30 }, ANY)).toMatchObject({ version: 1, by: 'key1' });
    expect(await desired.patch(device, { target: 21.5 }, ANY)).toMatchObject({
      version: 2,
      values: { interval: 30, target: 21.5 },
    });
    expect(await desired.patch(device, { target: 21.5 }, ANY)).toMatchObject({ version: 2 });
    expect(await desired.patch(device, { target: null }, ANY)).toMatchObject({ values: { interval: 30 } });
  });

  it('is not overwritten by somebody who has not seen the last change', async () => {
    const { desired, device } = await desiredWorld();
    await desired.put(device, { a: 1 }, { expected: 0, by: 'key1' });
    const lost = desired.put(device, { a: 2 }, { expected: 0, by: 'key2' });
    await expect(lost).rejects.toMatchObject({ code: 'precondition-failed' });
    const both = await Promise.allSettled([
      desired.put(device, { a: 3 }, { expected: 1, by: 'key1' }),
      desired.put(device, { a: 4 }, { expected: 1, by: 'key2' }),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(desired.documents(device).desired).toMatchObject({ version: 2, values: { a: 3 } });
  });

  it('comes back after a restart', async () => {
    const before = await desiredWorld();
    await before.desired.put(before.device, { interval: 30, raw: [1, { deep: true }] }, ANY);
    const after = await desiredWorld(before.database);
    expect(after.desired.documents(after.device)).toEqual(before.desired.documents(before.device));
  });

  it('is not guessed from a row that a newer broker wrote', async () => {
    const { database } = await desiredWorld();
    const body = encode({ version: 2, desired: null, reported: null });
    await database.saveDesired([{ customer: 'acme', device: 'pump', position: positionOf(0), body }]);
    await expect(desiredWorld(database)).rejects.toThrow(/acme\/pump has version 2, not 1/);
  });

  it.each<[string, ValueMap, string]>([
    ['a name that no metric can have', { 'a b': 1 }, 'bad-request'],
    ['a name that is forbidden', { constructor: 1 }, 'bad-request'],
    ['what no device could read', { a: Number.NaN }, 'bad-request'],
    // A map of one, a name of one letter, a text of more than 255: 1 + 2 + 3 bytes beside the text.
    ['a byte more than the limit', { a: 'x'.repeat(1024 - 6 + 1) }, 'desired-too-large'],
    [
      'many empty items, which cost memory',
      { a: Array.from({ length: 100 }, () => []) },
      'desired-too-large',
    ],
    ['more maps in each other than the profile allows', nested(9), 'bad-request'],
  ])('is refused with %s, and stays as it was', async (_, values, code) => {
    const { desired, device } = await desiredWorld();
    await desired.put(device, { interval: 30 }, ANY);
    await expect(desired.patch(device, values, ANY)).rejects.toMatchObject({ name: 'HubRefusal', code });
    expect(desired.documents(device).desired).toMatchObject({ version: 1 });
  });
});

it('is taken up to the byte of the limit', async () => {
  const { desired, device } = await desiredWorld();
  expect(await desired.put(device, { a: 'x'.repeat(1024 - 6) }, ANY)).toMatchObject({ version: 1 });
});

describe('a store that takes its time', () => {
  it('does not lose a change when the device reports meanwhile, and the power goes', async () => {
    const before = await desiredWorld();
    await before.desired.put(before.device, { interval: 30 }, ANY);
    before.slow.begin();
    const putting = before.desired.put(before.device, { interval: 60 }, ANY);
    await before.slow.taken(1);
    before.reports(1, { interval: 30 });
    const saving = before.desired.save();
    await before.slow.taken(2);
    before.slow.end();
    expect(await putting).toMatchObject({ version: 2 });
    await saving;
    const after = await desiredWorld(before.database);
    expect(after.desired.documents(after.device)).toMatchObject({
      desired: { version: 2, values: { interval: 60 } },
      reported: { version: 1 },
    });
  });

  it('does not tell anybody before it has said that the change is safe', async () => {
    const { desired, device, told, connects, slow } = await desiredWorld();
    connects();
    slow.begin();
    const putting = desired.put(device, { interval: 60 }, ANY);
    await slow.taken(1);
    expect(told).toEqual([]);
    expect(desired.documents(device).desired).toBeNull();
    slow.end();
    await putting;
    expect(told).toEqual([[1, { interval: 60 }]]);
  });

  it('does not bring a device back that is forgotten while changes wait', async () => {
    const before = await desiredWorld();
    before.slow.begin();
    const first = before.desired.put(before.device, { interval: 30 }, ANY);
    await before.slow.taken(1);
    const forgetting = before.desired.forget('acme', 'pump');
    const second = before.desired.put(before.device, { interval: 60 }, ANY);
    before.slow.end();
    await Promise.all([first, second, forgetting]);
    const after = await desiredWorld(before.database);
    expect(after.desired.documents(after.device)).toEqual({ desired: null, reported: null });
  });
});

describe('the device', () => {
  it('is told on each change while it is connected', async () => {
    const { desired, device, told, connects } = await desiredWorld();
    connects();
    await desired.put(device, { interval: 30 }, ANY);
    await desired.patch(device, { interval: 60 }, ANY);
    expect(told).toEqual([
      [1, { interval: 30 }],
      [2, { interval: 60 }],
    ]);
  });

  it('is told when it connects, until it has reported that version (P-3.3)', async () => {
    const { desired, device, told, connects, reports } = await desiredWorld();
    await desired.put(device, { interval: 30 }, ANY);
    connects();
    connects();
    expect(told).toHaveLength(2);
    reports(1, { interval: 30 });
    connects();
    expect(told).toHaveLength(2);
  });

  it('shows what it applied, with its time, and where that differs', async () => {
    const { desired, device, reports } = await desiredWorld();
    await desired.put(device, { interval: 30, target: 21.5 }, ANY);
    reports(1, { interval: 10 });
    const documents = desired.documents(device);
    expect(documents.reported).toMatchObject({ version: 1, values: { interval: 10 } });
    expect(differenceOf(documents)).toEqual({
      interval: { desired: 30, reported: 10 },
      target: { desired: 21.5 },
    });
  });

  it('is told a new document though it reported a higher version to a broker that lost its data', async () => {
    const { desired, device, told, connects, reports } = await desiredWorld();
    reports(41, { interval: 30 });
    connects();
    expect(await desired.put(device, { interval: 60 }, ANY)).toMatchObject({ version: 42 });
    expect(told).toEqual([[42, { interval: 60 }]]);
  });

  it('is told the document that it should have had already, if it reported a higher version since', async () => {
    const { desired, device, told, connects, reports } = await desiredWorld();
    await desired.put(device, { interval: 60 }, ANY);
    reports(41, { interval: 30 });
    connects();
    expect(await desired.put(device, { interval: 60 }, ANY)).toMatchObject({ version: 42 });
    expect(told).toEqual([[42, { interval: 60 }]]);
    reports(42, { interval: 60 });
    expect(await desired.put(device, { interval: 60 }, ANY)).toMatchObject({ version: 42 });
  });
});

describe('a document that the device cannot receive (P-3.2)', () => {
  const long = { note: 'x'.repeat(400) };
  const hello = { model: null, firmware: null, meta: null };

  it('is refused with both numbers, and nothing changes', async () => {
    const { desired, device, told, connects } = await desiredWorld();
    device.description = { ...hello, maxFrame: 256 };
    connects();
    await expect(desired.put(device, long, ANY)).rejects.toMatchObject({
      code: 'too-large-for-device',
      message: expect.stringMatching(/a frame of 412 bytes, and the device can receive 256 at most/),
    });
    expect([desired.documents(device).desired, told]).toEqual([null, []]);
  });

  it('that is older than what the device said is kept, not sent, and says so until it fits', async () => {
    const { desired, device, told, connects, reports } = await desiredWorld();
    await desired.put(device, long, ANY);
    device.description = { ...hello, maxFrame: 256 };
    connects();
    expect(told).toEqual([]);
    expect(desired.view(device).obstacle).toMatch(/can receive 256 at most/);
    await desired.put(device, { note: 'short' }, ANY);
    expect([told, desired.view(device).obstacle]).toEqual([[[2, { note: 'short' }]], undefined]);
    reports(2, { note: 'short' });
    expect(desired.view(device).obstacle).toBeUndefined();
  });
});

describe('what was reported', () => {
  it('is saved with the checkpoint, and not taken from the log again', async () => {
    const before = await desiredWorld();
    before.reports(3, { a: 1 });
    before.ingest.position = positionOf(300);
    await before.desired.save();
    const after = await desiredWorld(before.database);
    after.reports(2, { a: 0 }, 200);
    expect(after.desired.documents(after.device).reported).toMatchObject({ version: 3 });
    after.reports(4, { a: 2 }, 300);
    expect(after.desired.documents(after.device).reported).toMatchObject({ version: 4 });
  });

  it('is gone with a device that was forgotten', async () => {
    const before = await desiredWorld();
    await before.desired.put(before.device, { a: 1 }, ANY);
    before.reports(1, { a: 1 });
    await before.desired.forget('acme', 'pump');
    await before.desired.save();
    const after = await desiredWorld(before.database);
    expect(after.desired.documents(after.device)).toEqual({ desired: null, reported: null });
  });
});
