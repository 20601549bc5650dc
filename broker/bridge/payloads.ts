/**
 * Writes what the bridge publishes of a device as JSON text (docs/mqtt.md). A sample costs a microsecond here and there
 * are tens of thousands a second, so its text is put together by hand; `JSON.stringify` writes the rare values. Pure.
 */
import type { MetricValue } from '../hub/fleet/metrics.ts';
import { toJson } from '../hub/json.ts';
import { absoluteTime, batchStart, judgeTime } from '../hub/telemetry/apply.ts';
import type { BatchFrame, EventFrame, Sample, TelemetryFrame, Value } from '../wire/frames.ts';

/** `"name":` of each name of a layout; readers hand out the same array as long as the layout stays. */
const keysOfLayout = new WeakMap<readonly string[], readonly string[]>();

/** `{"time":…,"seq":…,"values":{…}}` */
export function telemetryPayload(frame: TelemetryFrame, arrival: number): string {
  return samplePayload(trusted(absoluteTime(frame.time, arrival), arrival), frame.seq, frame);
}

/** One a sample, in the order of the batch. */
export function batchPayloads(frame: BatchFrame, arrival: number): string[] {
  const start = batchStart(frame, arrival);
  return frame.samples.map((sample) => samplePayload(trusted(start + sample.dt, arrival), frame.seq, sample));
}

/** `{"time":…,"severity":…,"name":…,"data":…}` */
export function eventPayload({ time, severity, name, data }: EventFrame, arrival: number): string {
  const at = trusted(absoluteTime(time, arrival), arrival);
  return JSON.stringify({ time: at, severity, name, data: toJson(data) });
}

/** `{"temp":21.5,…}`, the last-known value of every metric. */
export function statePayload(metrics: Iterable<MetricValue>): string {
  let text = '';
  for (const { name, value } of metrics) {
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${valueText(value)}`;
  }
  return `{${text}}`;
}

function samplePayload(time: number, seq: number | null, { names, values }: Sample): string {
  const keys = keysOf(names);
  let text = `{"time":${time},"seq":${seq},"values":{`;
  for (let index = 0; index < values.length; index += 1) {
    text += `${index === 0 ? '' : ','}${keys[index]}${valueText(values[index] as Value)}`;
  }
  return `${text}}}`;
}

function keysOf(names: readonly string[]): readonly string[] {
  const known = keysOfLayout.get(names);
  if (known) return known;
  const keys = names.map((name) => `${JSON.stringify(name)}:`);
  keysOfLayout.set(names, keys);
  return keys;
}

/** Numbers of the profile are finite (P-2.2). */
function valueText(value: Value): string {
  return typeof value === 'number' ? `${value}` : JSON.stringify(toJson(value));
}

/** P-4.5: a time that cannot be right gives way to the arrival. */
function trusted(at: number, arrival: number): number {
  return judgeTime(at, arrival) === 'ok' ? at : arrival;
}
