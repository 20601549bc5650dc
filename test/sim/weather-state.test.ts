import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { replay } from '../../device-sim/replay.ts';
import type { State } from '../../schemas/api.ts';
import { startBroker } from '../helpers/broker.ts';

const DATA = join(import.meta.dirname, '../../node_modules/vega-datasets/data');

/** The file's cells, read by nothing but split. */
function cells(file: string): string[][] {
  const lines = readFileSync(join(DATA, file), 'utf8').trim().split('\n');
  return lines.map((line) => line.trim().split(','));
}

async function stateAfterReplay(file: string, devices: readonly string[], options: { device?: string } = {}) {
  const { url, key } = await startBroker({ config: { limits: { framesPerSecond: 0, bytesPerSecond: 0 } } });
  const report = await replay({
    path: join(DATA, file),
    url,
    key: await key('device', 'weather'),
    speed: 'max',
    ...options,
  }).run();
  const headers = { 'X-API-Key': await key('viewer', 'weather') };
  const states = await Promise.all(
    devices.map(async (device) => {
      const answer = await fetch(`${url}/api/v1/devices/weather/${device}/state`, { headers });
      return (await answer.json()) as State;
    }),
  );
  return { report, states };
}

/** Metric → value and time, as the HTTP API tells them. */
function told(state: State | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(state?.values ?? {}).map(([name, { value, at }]) => [name, [value, at]]),
  );
}

describe('after the weather records are replayed into a real broker', () => {
  it('last-known state equals the last row of each station', async () => {
    const { report, states } = await stateAfterReplay('weather.csv', ['Seattle', 'New_York']);
    expect(report).toMatchObject({ sent: 2922, acknowledged: 2922, lost: 0 });
    const rows = cells('weather.csv');
    for (const [index, location] of ['Seattle', 'New York'].entries()) {
      const [, date = '', ...values] = rows.findLast((row) => row[0] === location) ?? [];
      const at = Date.parse(`${date.replaceAll('/', '-')}T00:00:00Z`);
      const [precipitation, max, min, wind, weather] = values;
      expect(told(states[index])).toEqual({
        precipitation: [Number(precipitation), at],
        temp_max: [Number(max), at],
        temp_min: [Number(min), at],
        wind: [Number(wind), at],
        weather: [weather, at],
      });
    }
  });

  it('hourly normals: so does that of the one station', async () => {
    const file = 'seattle-weather-hourly-normals.csv';
    const rows = cells(file);
    const { report, states } = await stateAfterReplay(file, ['Seattle'], { device: 'Seattle' });
    expect(report).toMatchObject({ sent: rows.length - 1, lost: 0 });
    const [head = [], last = []] = [rows[0], rows.at(-1)];
    const numbers = Object.fromEntries(head.slice(1).map((name, column) => [name, Number(last[column + 1])]));
    const values = Object.entries(states[0]?.values ?? {}).map(([name, { value }]) => [name, value]);
    expect(Object.fromEntries(values)).toEqual(numbers);
  });
});
