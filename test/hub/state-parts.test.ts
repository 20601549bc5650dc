/** A checkpoint writes what changed of a device's state, and what it wrote is the whole state again. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../broker/hub/fleet/device.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { readDevice, writeDevice } from '../../broker/hub/telemetry/device-record.ts';
import type { DeviceRow } from '../../broker/store/ports.ts';
import { positionOf } from '../../broker/store/position.ts';
import { runnerOf } from '../../broker/store/sqlite/methods.ts';
import { openInMemory } from '../../broker/store/sqlite/open-database.ts';
import type { DeviceName, RowPage } from '../../broker/store/subject.ts';
import { encode } from '../../broker/wire/cbor.ts';
import type { Value } from '../../broker/wire/frames.ts';

const NOW = 1_780_000_000_000;
type Values = Readonly<Record<string, Value>>;

class Stored {
  private readonly run = runnerOf(openInMemory());
  private fleet = new Fleet(new Revisions(NOW));
  device: Device = this.fleet.obtain('acme', 'pump');
  private at = NOW;

  report(values: Values): this {
    const names = Object.keys(values);
    const { metrics } = this.device;
    this.at += 1;
    const columns = metrics.columnsFor(names, 5000) ?? [];
    const sample = { names, values: Object.values(values) };
    metrics.merge(columns, sample, this.at, this.at, this.fleet.touch(this.device));
    return this;
  }

  /** Returns the row that was written. */
  save(): DeviceRow {
    const row = writeDevice(this.device, positionOf(this.at));
    this.run({ method: 'saveDevices', args: [[row]] });
    return row;
  }

  restart(): this {
    this.fleet = new Fleet(new Revisions(NOW + 1000));
    const { value } = this.run({ method: 'loadDevices', args: [null] });
    // As it comes from the database's thread.
    const { items } = structuredClone(value) as RowPage<DeviceRow, DeviceName>;
    for (const row of items) readDevice(this.fleet, row);
    this.device = this.fleet.find('acme', 'pump') as Device;
    return this;
  }

  values(): Values {
    return Object.fromEntries(
      [...this.device.metrics.changedSince(0)].map(({ name, value }) => [name, value]),
    );
  }
}

const numbers = (count: number, value: number): Values =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, value]));
const partsOf = ({ parts = [] }: DeviceRow) => parts.map(({ part, body }) => (body ? part : `no ${part}`));
const bytesOf = ({ body, parts = [] }: DeviceRow) =>
  parts.reduce((sum, part) => sum + (part.body?.length ?? 0), body?.length ?? 0);
const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill);

describe('the stored state of a device', () => {
  it('is one row while it is small', () => {
    const stored = new Stored().report(numbers(16, 1));
    expect(partsOf(stored.save())).toEqual([]);
    expect(stored.restart().values()).toEqual(numbers(16, 1));
  });

  it('is written by what changed: its row, and the parts of the metrics that did', () => {
    const stored = new Stored().report(numbers(100, 1));
    expect(partsOf(stored.save())).toEqual([1, 2, 3, 4, 5, 6]);
    expect(partsOf(stored.report({ m3: 2 }).save())).toEqual([]);
    expect(partsOf(stored.report({ m50: 2, m55: 2 }).save())).toEqual([3]);
    expect(partsOf(stored.save())).toEqual([]);
    expect(stored.restart().values()).toEqual({ ...numbers(100, 1), m3: 2, m50: 2, m55: 2 });
  });

  it('stays so after a restart: what came back is not written again', () => {
    const stored = new Stored().report(numbers(100, 1));
    stored.save();
    expect(partsOf(stored.restart().report({ m99: 5 }).save())).toEqual([6]);
    expect(stored.restart().values()).toEqual({ ...numbers(100, 1), m99: 5 });
  });

  it('has each large value apart, so that one small change does not write them', () => {
    const large = Object.fromEntries(
      Array.from({ length: 14 }, (_, index) => [`l${index}`, bytes(16_000, index)]),
    );
    const stored = new Stored().report({ ...large, x: 1 });
    expect(bytesOf(stored.save())).toBeGreaterThan(14 * 16_000);
    expect(bytesOf(stored.report({ x: 2 }).save())).toBeLessThan(2000);
    expect(partsOf(stored.report({ l5: bytes(16_000, 9) }).save())).toEqual([-6]);
    expect(stored.restart().values()).toEqual({ ...large, l5: bytes(16_000, 9), x: 2 });
    expect(bytesOf(stored.report({ x: 3 }).save())).toBeLessThan(2000);
  });

  it('lets a value become small and large again', () => {
    const stored = new Stored().report({ a: bytes(1000), b: 1 });
    stored.save();
    expect(partsOf(stored.restart().report({ a: 1 }).save())).toEqual(['no -1']);
    expect(partsOf(stored.restart().report({ a: 2 }).save())).toEqual([]);
    expect(stored.restart().values()).toEqual({ a: 2, b: 1 });
    expect(partsOf(stored.report({ a: bytes(900) }).save())).toEqual([-1]);
    expect(stored.restart().values()).toEqual({ a: bytes(900), b: 1 });
  });

  it('keeps the places of names that have no value yet', () => {
    const stored = new Stored();
    stored.device.metrics.columnsFor(
      Array.from({ length: 40 }, (_, index) => `reserved${index}`),
      5000,
    );
    stored.report({ x: 1, reserved3: 2 }).save();
    stored.restart().report({ reserved20: 3 });
    stored.save();
    expect(stored.restart().values()).toEqual({ reserved3: 2, reserved20: 3, x: 1 });
  });

  it('is written as a whole again after a save that failed', () => {
    const stored = new Stored().report({ ...numbers(40, 1), big: bytes(1000) });
    writeDevice(stored.device, positionOf(NOW));
    stored.device.metrics.markUnsaved();
    expect(partsOf(stored.save()).sort()).toEqual([-41, 1, 2]);
    expect(stored.restart().values()).toEqual({ ...numbers(40, 1), big: bytes(1000) });
  });

  it('is read from a row of before there were parts, and has its parts when it is saved next', () => {
    const whole = { ...numbers(40, 1), big: bytes(2000) };
    const body = encode({
      version: 1,
      metrics: Object.entries(whole).map(([name, value]) => [name, value, NOW, NOW]),
      boots: [['u7', 12]],
      clock: 'ok',
      model: 'P7',
      firmware: null,
      meta: null,
      lastDataAt: NOW,
      seenAt: NOW,
      since: NOW,
      session: 's1',
      reason: null,
    });
    const fleet = new Fleet(new Revisions(NOW));
    readDevice(fleet, { customer: 'acme', device: 'pump', position: positionOf(5), body });
    const pump = fleet.find('acme', 'pump') as Device;
    expect(pump.boots.enter('u7').durable).toBe(12);
    const row = writeDevice(pump, positionOf(6));
    expect(partsOf(row).sort()).toEqual([-41, 1, 2]);
    const again = new Fleet(new Revisions(NOW));
    readDevice(again, row);
    const values = [...(again.find('acme', 'pump') as Device).metrics.changedSince(0)];
    expect(Object.fromEntries(values.map(({ name, value }) => [name, value]))).toEqual(whole);
  });

  it('is refused with its name when a part is missing', () => {
    const stored = new Stored().report(numbers(40, 1));
    const row = stored.save();
    const fleet = new Fleet(new Revisions(NOW));
    const broken = { ...row, parts: row.parts?.slice(1) ?? [] };
    expect(() => readDevice(fleet, broken)).toThrow('acme/pump cannot be read: part 1 is missing');
  });

  it('does not keep the memory of the page that it came in', () => {
    const stored = new Stored().report({ a: bytes(20) });
    const { body, ...row } = stored.save();
    const page = new Uint8Array(1_000_000);
    page.set(body as Uint8Array);
    const fleet = new Fleet(new Revisions(NOW));
    readDevice(fleet, { ...row, body: page.subarray(0, body?.length) });
    const [metric] = [...(fleet.find('acme', 'pump') as Device).metrics.changedSince(0)];
    expect(new Uint8Array(metric?.value as Uint8Array)).toEqual(bytes(20));
    expect((metric as { value: Uint8Array }).value.buffer.byteLength).toBeLessThan(10_000);
  });
});
