/** The page in a real browser, from logging in to ten thousand devices. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Chromium, HAS_CHROMIUM } from './chromium.ts';
import { DashboardServer } from './server.ts';

describe.runIf(HAS_CHROMIUM)('the page in Chromium (skipped without the Debian package chromium)', () => {
  const chromium = new Chromium();
  let server: DashboardServer;
  let page: Page;

  beforeAll(() => chromium.start());
  afterAll(() => chromium.stop());

  beforeEach(async () => {
    server = new DashboardServer(chromium.dashboard);
    await server.start();
    page = await chromium.open(server.url, { known: /401|WebSocket/ });
  });

  afterEach(async () => {
    await page.close();
    await server.stop();
    expect(chromium.complaints()).toEqual([]);
  });

  const row = (name: string) => page.locator(`tr[data-device="${name}"]`);
  const open = () => page.goto(`${server.url}/#login=once`);

  it('asks for a key, says what is wrong with it, and shows the fleet for the right one', async () => {
    server.world.connects('acme/pump-7');
    server.world.measures('acme/pump-7', { temp: 21.5, mode: 'auto' });
    await page.goto(server.url);
    await page.getByLabel(/^Key/).fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('The key is not valid.').waitFor();
    await page.getByLabel(/^Key/).fill('right');
    await page.getByRole('button', { name: 'Log in' }).click();
    await row('acme/pump-7').waitFor();
    // The first stats tell the broker's time.
    server.world.clock.advance(1000);
    await row('acme/pump-7')
      .getByText(/^\d+ s ago$/)
      .waitFor();
    const cells = await row('acme/pump-7').locator('th, td').allTextContents();
    expect(cells).toEqual([
      'online',
      'acme/pump-7',
      expect.stringMatching(/ s ago$/),
      '',
      'temp 21.5 · mode auto',
    ]);
  });

  it('takes the token of a login link out of the address', async () => {
    await open();
    await page.getByText('There is no device yet: create a key for one.').waitFor();
    expect(page.url()).toBe(`${server.url}/`);
    expect(await page.evaluate('document.cookie')).toBe('');
    await page.reload();
    await page.getByText('admin', { exact: true }).waitFor();
  });

  it('shows a device that was registered as never seen, in full, until it connects', async () => {
    const { world } = server;
    await open();
    world.fleet.register('acme', 'pump-9');
    world.clock.advance(1000);
    const status = row('acme/pump-9').getByText('never seen');
    await status.waitFor();
    const [wanted, shown] = await status.evaluate((cell) => [cell.scrollWidth, cell.clientWidth]);
    expect(wanted).toBe(shown);
    world.connects('acme/pump-9');
    world.clock.advance(1000);
    await row('acme/pump-9').getByText('online').waitFor();
  });

  it('follows values, presence, new and forgotten devices', async () => {
    const { world } = server;
    world.connects('acme/pump-7');
    world.measures('acme/pump-7', { temp: 1 });
    await open();
    await row('acme/pump-7').getByText('temp 1').waitFor();
    world.measures('acme/pump-7', { temp: 2 });
    world.disconnects('acme/pump-7', 'no-heartbeat');
    world.connects('acme/pump-8');
    world.clock.advance(1000);
    await row('acme/pump-7').getByText('temp 2').waitFor();
    await row('acme/pump-7').getByText('offline').waitFor();
    await row('acme/pump-7').locator('.presence[title*=no-heartbeat]').waitFor();
    await row('acme/pump-8').waitFor();
    world.forgets('acme/pump-7');
    world.tick();
    await row('acme/pump-7').waitFor({ state: 'detached' });
  });

  it('shows ages by the broker’s clock', async () => {
    server.world.measures('acme/pump-7', { temp: 1 });
    server.world.clock.advance(125_000);
    await open();
    await row('acme/pump-7').waitFor();
    server.world.clock.advance(1000);
    await row('acme/pump-7').getByText('2 min ago').waitFor();
  });

  it('finds devices by a part of the name, by customer and by presence', async () => {
    for (const name of ['acme/pump-1', 'acme/pump-2', 'zeta/fan-1']) server.world.connects(name);
    server.world.disconnects('acme/pump-2');
    await open();
    await row('zeta/fan-1').waitFor();
    await page.getByLabel('Customer').selectOption('acme');
    await page.getByText('2 of 3 devices').waitFor();
    await page.getByLabel('Show').selectOption('offline');
    await page.getByText('1 of 3 devices').waitFor();
    await page.getByLabel('Search').fill('fan');
    await page.getByText('No device fits the search.').waitFor();
  });

  it('says how old its data is while the broker is away, and goes on by itself', async () => {
    server.world.connects('acme/pump-7');
    await open();
    await row('acme/pump-7').waitFor();
    await server.goAway();
    await page.getByText(/data is .+ old/).waitFor();
    await row('acme/pump-7').waitFor();
    server.comeBack();
    // Its next attempt may be half a minute away.
    await page.locator('#link[data-state="live"]').waitFor();
  });

  it('forgets everything at logout', async () => {
    server.world.connects('acme/pump-7');
    await open();
    await row('acme/pump-7').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel(/^Key/).waitFor();
    expect(await page.locator('tr[data-device]').count()).toBe(0);
    await page.reload();
    await page.getByLabel(/^Key/).waitFor();
  });

  it('shows ten thousand devices, and touches no more of the page than is seen of them', async () => {
    const { world } = server;
    const change = (round: number) => {
      for (let index = 0; index < 10_000; index += 1)
        world.measures(`acme/d-${index}`, { round, temp: index / 10 });
    };
    change(0);
    await open();
    while ((await page.locator('#shown').textContent()) !== '10,000 devices') world.clock.advance(20);
    // What costs time are nodes that change; how long that takes is the machine's business.
    await page.evaluate(() => {
      const work = { most: 0 };
      Object.assign(window, { work });
      new MutationObserver((changes) => {
        work.most = Math.max(work.most, changes.length);
      }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    });
    for (let round = 1; round <= 4; round += 1) {
      change(round);
      for (let step = 0; step < 50; step += 1) world.clock.advance(20);
      await row('acme/d-0').getByText(`round ${round}`).waitFor();
    }
    expect(await page.locator('tr[data-device]').count()).toBeLessThan(60);
    const { most } = await page.evaluate(() => (window as never as { work: { most: number } }).work);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(600);
    await page.locator('#scroll').evaluate((scroll) => scroll.scrollTo(0, scroll.scrollHeight));
    await row('acme/d-9999').waitFor();
    expect(await row('acme/d-9999').getAttribute('aria-rowindex')).toBe('10001');
  });
});
