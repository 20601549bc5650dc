/** What Prometheus scrapes, who may, and that the page about it lists the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../broker/admin/metrics.ts';
import { type AdminBench, startAdmin } from './api.ts';
import { someStats } from './some-stats.ts';

async function scrape(bench: AdminBench): Promise<string> {
  const { status, headers, body } = await bench.send('GET', '/metrics', {});
  expect([status, headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
  return body as string;
}

const ours = (text: string) => text.split('\n').filter((line) => line.startsWith('signalbox_'));

describe('a scrape', () => {
  it('tells every figure under its name', async () => {
    const bench = await startAdmin();
    bench.fleet.obtain('acme', 'pump-7');
    expect(ours(await scrape(bench))).toEqual([
      'signalbox_build_info{version="1.2.3"} 1',
      'signalbox_devices 1',
      'signalbox_devices_online 0',
      'signalbox_devices_never_seen 1',
      'signalbox_viewers 3',
      'signalbox_frames_received_total 101',
      'signalbox_frames_repeated_total 102',
      'signalbox_received_bytes_total 105',
      'signalbox_samples_total 103',
      'signalbox_events_total 104',
      'signalbox_acks_total 107',
      'signalbox_frame_errors_total{code="bad-batch"} 401',
      'signalbox_connections_total 108',
      'signalbox_takeovers_total 109',
      'signalbox_refusals_total{code="unauthorized"} 301',
      'signalbox_refusals_total{code="too-many-handshakes"} 302',
      'signalbox_closes_total{reason="replaced"} 501',
      'signalbox_closes_total{reason="no-heartbeat"} 502',
      'signalbox_pauses_total{reason="rate"} 201',
      'signalbox_pauses_total{reason="turn"} 202',
      'signalbox_pauses_total{reason="batch"} 203',
      'signalbox_viewers_opened_total 110',
      'signalbox_viewer_skips_total 111',
      'signalbox_viewers_closed_slow_total 112',
      'signalbox_commands_waiting 551',
      'signalbox_command_steps_total{status="queued"} 552',
      'signalbox_command_steps_total{status="done"} 553',
      'signalbox_mqtt_connected 1',
      'signalbox_mqtt_backlog_bytes 651',
      'signalbox_mqtt_backlog_seconds 65.3',
      'signalbox_mqtt_sent_total 656',
      'signalbox_mqtt_repeated_total 657',
      'signalbox_mqtt_lost_bytes_total 660',
      'signalbox_mqtt_outages_total 661',
      'signalbox_mqtt_crashes_total 662',
      'signalbox_mqtt_dropped_total{reason="too-big"} 659',
      'signalbox_mqtt_commands_total{outcome="taken"} 663',
      'signalbox_mqtt_commands_total{outcome="refused"} 664',
      'signalbox_store_waiting{store="log"} 0',
      'signalbox_store_waiting{store="database"} 651',
      'signalbox_log_commits_total 106',
      'signalbox_log_bytes 601',
      'signalbox_log_segments 602',
      'signalbox_log_waiting_frames 605',
      'signalbox_log_lost_bytes_total{reader="mqtt"} 606',
    ]);
  });

  it('says the same when nothing has happened in between, and each with help and type', async () => {
    const bench = await startAdmin();
    const first = await scrape(bench);
    expect(ours(await scrape(bench))).toEqual(ours(first));
    for (const { name, help, type } of METRICS) {
      expect(first).toContain(`# HELP ${name} ${help}`);
      expect(first).toContain(`# TYPE ${name} ${type}`);
    }
  });

  it("holds the process' own figures, the event loop's lag among them", async () => {
    const text = await scrape(await startAdmin());
    expect(text).toContain('process_resident_memory_bytes ');
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds ');
  });

  it('keeps the number of label values bounded, and the sum whole', async () => {
    const stats = someStats({ total: 0, online: 0 });
    const closes = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`reason-${at}`, 2]));
    const bench = await startAdmin({ stats: () => ({ ...stats, broker: { ...stats.broker!, closes } }) });
    const lines = ours(await scrape(bench)).filter((line) => line.startsWith('signalbox_closes_total'));
    expect(lines.length).toBe(65);
    expect(lines.at(-1)).toBe('signalbox_closes_total{reason="other"} 72');
  });
});

describe('who may scrape', () => {
  const status = async (bench: AdminBench, ask: Parameters<AdminBench['ask']>[2]) =>
    (await bench.ask('GET', '//metrics', ask)).status;

  it('loopback: this machine, but not who comes through its proxy, and admins', async () => {
    const bench = await startAdmin();
    expect(await status(bench, {})).toBe(200);
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    expect(await status(bench, { headers })).toBe(401);
    expect(await status(bench, { headers, as: 'boss' })).toBe(200);
  });

  it('key: admins only', async () => {
    const bench = await startAdmin({ server: { metrics: 'key' } });
    expect(await status(bench, {})).toBe(401);
    expect(await status(bench, { as: 'olga' })).toBe(403);
    expect(await status(bench, { as: 'boss' })).toBe(200);
  });

  it('open: everybody', async () => {
    const bench = await startAdmin({ server: { metrics: 'open' } });
    expect(await status(bench, { headers: { 'x-forwarded-for': '203.0.113.9' } })).toBe(200);
  });
});

describe('docs/metrics.md', () => {
  it('lists every metric as the code has it, and no other', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `signalbox_'));
    expect(rows).toEqual(
      METRICS.map(
        ({ name, type, label, help }) =>
          `| \`${name}\` | ${type} | ${label === null ? '' : `\`${label}\``} | ${help} |`,
      ),
    );
  });
});
