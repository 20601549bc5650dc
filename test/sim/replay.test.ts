/** Recorded data arrives as it was measured: real weather records, and files as people have them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FRAME, type TelemetryFrame } from '../../broker/wire/frames.ts';
import { type ReplayerOptions, type ReplayReport, replay } from '../../device-sim/replay.ts';
import { detectTimeFormat, parseTime, ReplayError } from '../../device-sim/replay-layout.ts';
import { problem } from '../../schemas/problems.ts';
import { FakeClock } from '../helpers/clock.ts';
import { type FakeBroker, fakeBroker } from '../helpers/fake-broker.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const DATA = join(import.meta.dirname, '../../node_modules/vega-datasets/data');

type Received = Map<string, TelemetryFrame[]>;

/** Takes every connection, acknowledges every frame, and keeps it by device. */
function taking(broker: FakeBroker): Received {
  const received: Received = new Map();
  const session = async (): Promise<void> => {
    const taken = await broker.next();
    void session();
    const frames: TelemetryFrame[] = [];
    received.set(new URL(taken.request.url ?? '', broker.url).searchParams.get('device') ?? '', frames);
    await taken.greet();
    for (;;) {
      const frame = await taken.data();
      if (frame.kind === FRAME.telemetry) frames.push(frame);
      taken.ack(frame.seq ?? 0);
    }
  };
  void session();
  return received;
}

async function replayed(
  path: string,
  options: Partial<ReplayerOptions> = {},
): Promise<{ report: ReplayReport; received: Received }> {
  const broker = await fakeBroker();
  const received = taking(broker);
  const report = await replay({ path, url: broker.url, key: 'k', speed: 'max', ...options }).run();
  return { report, received };
}

function file(text: string, name = 'station-7.csv'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

/** Names and values together. */
function named({ names, values, time }: TelemetryFrame): object {
  return { ...Object.fromEntries(names.map((name, index) => [name, values[index]])), time };
}

describe('the weather records of vega-datasets', () => {
  it('daily: the last row of each station arrives last, under its own date', async () => {
    const { report, received } = await replayed(join(DATA, 'weather.csv'));
    expect(report).toMatchObject({
      rows: 2922,
      badRows: 0,
      sent: 2922,
      acknowledged: 2922,
      lost: 0,
      devices: 2,
    });
    expect([...received.keys()].sort()).toEqual(['New_York', 'Seattle']);
    // What the file itself says, read by nothing but split.
    const rows = readFileSync(join(DATA, 'weather.csv'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    for (const [location, device] of [
      ['Seattle', 'Seattle'],
      ['New York', 'New_York'],
    ] as const) {
      const last = rows.filter((row) => row[0] === location).at(-1) ?? [];
      const frames = received.get(device) ?? [];
      expect(frames).toHaveLength(rows.filter((row) => row[0] === location).length);
      expect(named(frames.at(-1) as TelemetryFrame)).toEqual({
        precipitation: Number(last[2]),
        temp_max: Number(last[3]),
        temp_min: Number(last[4]),
        wind: Number(last[5]),
        weather: last[6],
        time: Date.UTC(2015, 11, 31),
      });
    }
  });

  it('hourly: one station, named by its file, dated in UTC', async () => {
    const { report, received } = await replayed(join(DATA, 'seattle-weather-hourly-normals.csv'));
    expect(report).toMatchObject({ rows: 8759, badRows: 0, acknowledged: 8759, lost: 0 });
    const frames = received.get('seattle-weather-hourly-normals') ?? [];
    expect(named(frames[0] as TelemetryFrame)).toMatchObject({
      pressure: 1016.6,
      time: Date.UTC(2010, 0, 1, 1),
    });
    expect(named(frames.at(-1) as TelemetryFrame)).toEqual({
      pressure: 1016.7,
      temperature: 4.3,
      wind: 4,
      time: Date.UTC(2010, 11, 31, 23),
    });
  });
});

describe('a file', () => {
  it('gives metrics names that the protocol takes (P-1.4), and cells their kinds', async () => {
    const path = file(
      'Time,Temp (°C),2nd temp,Temp (°C),__proto__,ok,note\n2026-01-02T03:04:05Z,1.5,,-2e1,4,true,"a, b"\n',
    );
    const { received } = await replayed(path, { device: 'north mill' });
    const [frame] = received.get('north_mill') ?? [];
    expect(frame?.names).toEqual(['Temp_C_', '_2nd_temp', 'Temp_C__2', '__proto___', 'ok', 'note']);
    expect(frame?.values).toEqual([1.5, null, -20, 4, true, 'a, b']);
  });

  it('may have bad rows: they are told with their lines, and the rest arrives', async () => {
    const rows = [
      'date,station,t',
      'soon,a b,1',
      '2026-01-01,a b,2',
      '2026-02-30,a b,3',
      '2026-01-02,a b',
      '',
      '2026-01-03,a_b,4',
      '2026-01-04,a b,5',
    ];
    const { report, received } = await replayed(file(rows.join('\n')));
    expect(report).toMatchObject({ rows: 6, badRows: 4, sent: 2, lost: 0 });
    expect(report.badRowSamples).toEqual([
      'line 2: "soon" is no time (iso)',
      'line 4: "2026-02-30" is no time (iso)',
      'line 5: 2 cells instead of 3',
      'line 7: "a_b" and "a b" would both be the device a_b',
    ]);
    expect(received.get('a_b')?.map(({ values }) => values)).toEqual([[2], [5]]);
  });

  it('with a cell that no frame can hold has that row counted as bad', async () => {
    const { report } = await replayed(file(`date,note\n2026-01-01,${'x'.repeat(5000)}\n2026-01-02,short\n`));
    expect(report).toMatchObject({ rows: 2, badRows: 1, acknowledged: 1 });
  });

  it.each([
    ['is empty', '', {}, 'holds no rows'],
    ['has no rows', 'time,t\n', {}, 'holds no rows'],
    [
      'has no time',
      'a,b\n1,2\n',
      {},
      'No column looks like a time; name it with --time-column. The columns are: a, b.',
    ],
    [
      'lacks the column',
      'time,t\n2026-01-01,1\n',
      { deviceColumn: 'station' },
      'There is no column "station".',
    ],
    ['has an odd time', 'time,t\nnoon,1\n', {}, 'begins with "noon"'],
    ['has only bad rows', 'time,t\nnoon,1\n', { timeFormat: 'iso' as const }, 'None of the 1 rows is good'],
    ['has nothing to measure', 'time,station\n2026-01-01,a\n', {}, 'no column left'],
    ['is no CSV', 'time,t\n2026-01-01,"1\n', {}, 'is not read as CSV'],
  ])('that %s is refused with what to do', async (_what, text, options, reason) => {
    const running = replay({ path: file(text), url: 'ws://127.0.0.1:1', key: 'k', speed: 'max', ...options });
    const error: unknown = await running.run().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ReplayError);
    expect((error as Error).message).toContain(reason);
  });

  it('that is not there is refused by its name', async () => {
    const running = replay({ path: '/nowhere/x.csv', url: 'ws://127.0.0.1:1', key: 'k', speed: 'max' });
    await expect(running.run()).rejects.toThrow(/ENOENT.*\/nowhere\/x\.csv/);
  });
});

it('keeps the pace of the recording, and does not pause where time goes back', async () => {
  const broker = await fakeBroker();
  const received = taking(broker);
  const clock = new FakeClock();
  const text =
    'time,device,t\n2026-01-01T00:00:00Z,a,1\n2026-01-01T00:01:00Z,a,2\n2026-01-01T00:00:00Z,b,3\n';
  const running = replay({ path: file(text), url: broker.url, key: 'k', speed: 60, clock });
  const finished = running.run();
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  };
  await until(() => received.get('a')?.length === 1);
  const waiting = clock.pending;
  clock.advance(999);
  expect([running.report().sent, clock.pending]).toEqual([1, waiting]);
  clock.advance(1);
  const report = await finished;
  expect(report).toMatchObject({ sent: 3, acknowledged: 3, lost: 0 });
});

it('makes up for rows that came late', async () => {
  const broker = await fakeBroker();
  const received = taking(broker);
  const clock = new FakeClock();
  const minutes = ['00', '01', '02', '03'].map((minute) => `2026-01-01T00:${minute}:00Z,a,1`);
  const path = file(`time,device,t\n${minutes.join('\n')}\n`);
  const finished = replay({ path, url: broker.url, key: 'k', speed: 60, clock }).run();
  const until = async (count: number) => {
    while (received.get('a')?.length !== count) await new Promise((resolve) => setImmediate(resolve));
  };
  await until(1);
  // A process that slept through two rows sends both, and is on time for the next.
  clock.advance(2500);
  await until(3);
  clock.advance(499);
  expect(received.get('a')).toHaveLength(3);
  clock.advance(1);
  expect(await finished).toMatchObject({ acknowledged: 4 });
});

it('ends when a person has to do something first, and says what', async () => {
  const broker = await fakeBroker();
  broker.refusals = [{ status: 401, body: JSON.stringify(problem('unauthorized', 'The key is unknown.')) }];
  const report = await replay({
    path: join(DATA, 'weather.csv'),
    url: broker.url,
    key: 'k',
    speed: 'max',
  }).run();
  expect(report.lost).toBe(report.sent);
  expect(report.sent).toBeGreaterThan(0);
  expect(report.problems).toContainEqual({
    what: 'refused (401): The key is unknown.',
    count: report.refused,
  });
});

describe('times', () => {
  it.each([
    ['2015-12-31', 'iso', Date.UTC(2015, 11, 31)],
    ['2010-01-01T01:00:00', 'iso', Date.UTC(2010, 0, 1, 1)],
    ['2010-01-01 01:02', 'iso', Date.UTC(2010, 0, 1, 1, 2)],
    ['2010-01-01T01:02:03.25Z', 'iso', Date.UTC(2010, 0, 1, 1, 2, 3, 250)],
    ['2010-01-01T01:00:00+02:00', 'iso', Date.UTC(2009, 11, 31, 23)],
    ['2010-01-01 01:00:00 -0530', 'iso', Date.UTC(2010, 0, 1, 6, 30)],
    ['2012/1/3', 'slashes', Date.UTC(2012, 0, 3)],
    ['2012/01/03 04:05:06', 'slashes', Date.UTC(2012, 0, 3, 4, 5, 6)],
    ['1700000000', 'unix-s', 1_700_000_000_000],
    ['1700000000.5', 'unix-s', 1_700_000_000_500],
    ['1700000000123', 'unix-ms', 1_700_000_000_123],
  ])('%s is recognised as %s', (text, format, time) => {
    expect(detectTimeFormat(text)).toBe(format);
    expect(parseTime(text, format as 'iso')).toBe(time);
  });

  it.each([
    '',
    'noon',
    '12.8',
    '2026-13-01',
    '2026-02-29',
    '2026-01-01T24:00',
    '2026-1/2',
    '01/02/2026',
    '20260101',
  ])('%s is none, and not guessed at', (text) => {
    expect(detectTimeFormat(text)).toBeNull();
  });
});
