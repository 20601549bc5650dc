/** `signalbox sim` as a script sees it: what it prints, and its exit code. */
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { runCommandLine } from '../../broker/cli/commands.ts';
import { simCommand } from '../../broker/cli/sim.ts';
import { problem } from '../../schemas/problems.ts';
import { KEY } from '../cli/terminal.ts';
import { type FakeBroker, type FakeSession, fakeBroker } from '../helpers/fake-broker.ts';

const WEATHER = join(import.meta.dirname, '../../node_modules/vega-datasets/data/weather.csv');

async function sim(...args: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  const [out, err]: [string[], string[]] = [[], []];
  const keep = (lines: string[]) => (text: unknown) => void lines.push(...String(text).split('\n'));
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(keep(out)),
    vi.spyOn(console, 'error').mockImplementation(keep(err)),
  ];
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return { code: await runCommandLine([simCommand()], ['sim', ...args], '1.2.3'), out, err };
}

/** Takes everybody and acknowledges everything. */
async function oblige(broker: FakeBroker): Promise<void> {
  const session = await broker.next();
  void oblige(broker);
  await session.greet();
  for (;;) session.ack((await session.data()).seq ?? 0);
}

/** Whatever else comes. */
async function acknowledgeData(session: FakeSession): Promise<void> {
  for (;;) {
    const frame = await session.frames.next();
    if ('seq' in frame) session.ack(frame.seq ?? 0);
  }
}

const at = ({ url }: FakeBroker) => ['--url', url, '--key', KEY];

it('runs a fleet for as long as asked, reports, and exits 0', async () => {
  const broker = await fakeBroker();
  void oblige(broker);
  const { code, out, err } = await sim(
    'run',
    '--devices',
    '3',
    '--rate',
    '20',
    '--duration',
    '500ms',
    ...at(broker),
  );
  expect({ code, err }).toEqual({ code: 0, err: [] });
  expect(out[0]).toBe('devices        3 (3 connected)');
  expect(out).toContain('lost           0');
});

it('replays real data, reports as JSON lines, and exits 0', async () => {
  const broker = await fakeBroker();
  void oblige(broker);
  const { code, out } = await sim('replay', WEATHER, '--json', ...at(broker));
  expect(code).toBe(0);
  const report: unknown = JSON.parse(out.at(-1) ?? '');
  expect(report).toMatchObject({ type: 'report', rows: 2922, acknowledged: 2922, lost: 0, badRows: 0 });
});

it('tells what its devices did about commands, with the failures and the latency that were asked for', async () => {
  const broker = await fakeBroker();
  const args = ['--devices', '1', '--rate', '1', '--duration', '1s', '--profile', 'pump'];
  const ran = sim('run', ...args, '--command-latency', '1..2', '--command-failures', '1', ...at(broker));
  const session = await broker.next();
  await session.greet();
  session.command('c-1', 'set-speed', { rpm: 1000 });
  session.command('c-2', 'dance');
  void acknowledgeData(session);
  const { out } = await ran;
  expect(out).toContain('commands       2 received (0 again), 1 executed');
  expect(out).toContain('               0 done, 1 failed, 1 rejected');
});

it('exits 1 when nobody was let in, with the broker’s reason', async () => {
  const broker = await fakeBroker();
  broker.refusals = [
    { status: 403, body: JSON.stringify(problem('forbidden', 'Not with\x1b[2J this key.')) },
  ];
  const { code, out, err } = await sim('run', '--devices', '2', ...at(broker));
  expect({ code, err }).toEqual({ code: 1, err: ['No device was connected.'] });
  // What a broker says cannot steer the terminal.
  expect(out.at(-1)).toBe('  2 x refused (403): Not with\\u{1b}[2J this key.');
});

it('exits 1 when one of many was refused, though nothing that was sent is lost', async () => {
  const broker = await fakeBroker();
  broker.refusals = ['taken', { status: 403 }];
  void oblige(broker);
  // The second connects after 100 ms and would first measure another 618 ms later.
  const args = ['--devices', '2', '--connects', '10', '--rate', '1', '--duration', '300ms'];
  const { code, out, err } = await sim('run', ...args, ...at(broker));
  expect({ code, err }).toEqual({ code: 1, err: ['1 handshakes were refused.'] });
  expect(out[0]).toBe('devices        2 (1 connected)');
});

it('tells what became of the frames even if its keys cannot be revoked', async () => {
  const broker = await fakeBroker();
  void oblige(broker);
  broker.api = ({ method }) =>
    method === 'POST' ? { status: 201, body: JSON.stringify({ id: 'k1', key: KEY }) } : { status: 503 };
  const { code, out, err } = await sim('run', '--devices', '1', '--duration', '100ms', ...at(broker));
  expect(out).toContain('lost           0');
  expect(err).toEqual([
    expect.stringMatching(
      /^The keys of this simulation are not revoked: The broker did not revoke a key: 503/,
    ),
  ]);
  expect(code).toBe(0);
});

it('exits 1 for a file that is not there, and for one that is no recording', async () => {
  const broker = await fakeBroker();
  expect(await sim('replay', 'nowhere.csv', ...at(broker))).toMatchObject({
    code: 1,
    err: [expect.stringContaining("open 'nowhere.csv'")],
  });
  const wrong = await sim('replay', WEATHER, '--time-column', 'when', ...at(broker));
  expect(wrong).toMatchObject({
    code: 1,
    err: [expect.stringContaining('There is no column "when". The columns are:')],
  });
});

it.each([
  [['run', '--rate', '0']],
  [['run', '--devices', 'many']],
  [['run', '--profile', 'toaster']],
  [['run', '--duration', '5']],
  [['run', '--command-latency', '500..50']],
  [['run', '--command-failures', '1.5']],
  [['run', '--command-silence', 'some']],
  [['replay']],
  [['replay', 'x.csv', '--speed', 'fast']],
  [['replay', 'x.csv', '--time-format', 'roman']],
])('exits 2 for %j, before anything is sent', async (args) => {
  const broker = await fakeBroker();
  expect((await sim(...args, ...at(broker))).code).toBe(2);
  expect(broker.handshakes).toBe(0);
});
