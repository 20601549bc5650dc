/** What load balancers and supervisors ask, and how the HTTP side starts and stops. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { AdminBench, startAdmin } from './api.ts';

describe('health', () => {
  it('lives as long as the process, ready or not', async () => {
    const bench = await startAdmin({ readiness: () => ({ ready: false, reason: 'the disk is full' }) });
    expect(await bench.ask('GET', '//livez')).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  it('is ready, or says why not', async () => {
    let readiness: { ready: boolean; reason?: string } = { ready: true };
    const bench = await startAdmin({ readiness: () => readiness });
    expect(await bench.ask('GET', '//readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
    readiness = { ready: false, reason: 'draining' };
    const { status, body } = await bench.ask('GET', '//readyz');
    expect([status, body]).toMatchObject([
      503,
      { code: 'not-ready', detail: expect.stringContaining('draining') },
    ]);
  });

  it('answers HEAD', async () => {
    const bench = await startAdmin();
    expect(await bench.send('HEAD', '/readyz', {})).toMatchObject({ status: 200, body: null });
  });
});

describe('the HTTP side', () => {
  it('answers 503 before it has started and after it has stopped', async () => {
    const bench = new AdminBench({});
    onTestFinished(() => bench.stop());
    await bench.listen();
    expect(await bench.send('GET', '/livez', {})).toMatchObject({ status: 503, body: { code: 'not-ready' } });
    await bench.admin.start();
    expect(await bench.send('GET', '/livez', {})).toMatchObject({ status: 200 });
    await bench.admin.stop();
    await bench.admin.stop();
    expect(await bench.send('GET', '/livez', {})).toMatchObject({
      status: 503,
      body: { code: 'going-away' },
    });
  });
});
