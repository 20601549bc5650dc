/** The page of one device in a real browser, before a real broker and a device that answers. */
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { DeviceClient } from '../../client/index.ts';
import { startBroker, type TestBroker } from '../helpers/broker.ts';
import { Chromium, HAS_CHROMIUM } from './chromium.ts';

/** Something that a test lets happen when it has seen enough. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe.runIf(HAS_CHROMIUM)(
  'the page of a device in Chromium (skipped without the Debian package chromium)',
  () => {
    const chromium = new Chromium();

    beforeAll(() => chromium.start());
    afterAll(() => chromium.stop());
    afterEach(() => expect(chromium.complaints()).toEqual([]));

    const start = () => startBroker({ dashboardFolder: chromium.dashboard });

    /** Its first values are in the broker's hands when this resolves. */
    async function connect(broker: TestBroker, device = 'pump-7'): Promise<DeviceClient> {
      const key = await broker.key('device', 'acme', device);
      const client = new DeviceClient({ url: broker.url, key, model: 'P7' });
      onTestFinished(() => client.stop());
      client.start();
      client.send({ temp: 21.5, mode: 'auto' });
      await client.durable();
      return client;
    }

    async function logIn(
      broker: TestBroker,
      role: 'viewer' | 'operator',
      hash = '#/acme/pump-7',
    ): Promise<Page> {
      const page = await chromium.open(broker.url, { known: /401|404|412|ERR_FAILED/ });
      onTestFinished(() => page.close());
      await page.goto(`${broker.url}/${hash}`);
      await page.getByLabel(/^Key/).fill(await broker.key(role, 'acme'));
      await page.getByRole('button', { name: 'Log in' }).click();
      return page;
    }

    async function send(page: Page, name: string, args = ''): Promise<void> {
      await page.getByRole('combobox', { name: 'Command' }).fill(name);
      await page.getByLabel('Arguments, JSON').fill(args);
      await page.getByRole('button', { name: 'Send', exact: true }).click();
    }

    const badge = (page: Page | Locator) => page.locator('.command .badge').first();
    const steps = (page: Page | Locator) => page.locator('.timeline .step').allTextContents();

    async function ask(broker: TestBroker, method: string, path: string, body: object): Promise<void> {
      const headers = {
        'X-API-Key': await broker.key('operator', 'acme'),
        'Content-Type': 'application/json',
      };
      const url = `${broker.url}/api/v1/devices/acme/pump-7${path}`;
      const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
      expect(answer.ok).toBe(true);
    }

    it('shows what the device said of itself, and that it sleeps, until when (P-3.2, P-7.5)', async () => {
      const broker = await start();
      const key = await broker.key('device', 'acme', 'pump-7');
      const client = new DeviceClient({ url: broker.url, key, maxFrame: 4096, meta: { site: 'north' } });
      onTestFinished(() => client.stop());
      client.start();
      client.send({ temp: 21.5 });
      await client.durable();
      const page = await logIn(broker, 'viewer');
      await page.locator('#device-presence[data-state="online"]').waitFor();
      const facts = page.locator('#facts');
      await facts.getByText('4,096 bytes').waitFor();
      await facts.getByText('north').waitFor();
      await client.stop({ sleep: 3600 });
      await page.locator('#device-presence[data-state="asleep"]').waitFor();
      expect(await page.locator('#device-presence').textContent()).toMatch(/^Asleep until .*\d\d:\d\d:\d\d$/);
      await page.goto(`${broker.url}/#/`);
      await page.locator('td.presence[data-state="asleep"]').waitFor();
    });

    it('opens from the fleet’s table by keyboard, and goes back to where it was', async () => {
      const broker = await start();
      await connect(broker);
      const page = await logIn(broker, 'viewer', '');
      await page.getByRole('link', { name: 'acme/pump-7' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('cell', { name: '21.5', exact: true }).waitFor();
      expect(page.url()).toMatch(/#\/acme\/pump-7$/);
      expect(await page.title()).toBe('acme/pump-7 · Signalbox');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('device-name');
      await page.getByText('P7', { exact: true }).waitFor();
      await page.getByText(/^Online for \d+ s$/).waitFor();
      await page.goBack();
      await page.getByRole('link', { name: 'acme/pump-7' }).waitFor();
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('acme/pump-7');
    });

    it('sends a command and shows each step of it in words, until it is done', async () => {
      const broker = await start();
      const device = await connect(broker);
      const warm = gate();
      device.onCommand('calibrate', async (command) => {
        command.progress({ percent: 40, note: 'warming up' });
        await warm.opened;
        return { offset: 2 };
      });
      const page = await logIn(broker, 'operator');
      await send(page, 'calibrate', '{"point": 2}');
      await badge(page).getByText('in progress, 40 %').waitFor();
      warm.open();
      await badge(page).getByText('done', { exact: true }).waitFor();
      expect(await steps(page)).toEqual([
        expect.stringMatching(/^Stored, asked for by key \w{8}\.$/),
        'Sent, attempt 1; whether it arrived is not known.',
        'The device has it and will do it.',
        'The device is at it: 40 %, warming up.',
        'The device did it: {"offset":2}.',
      ]);
      expect(await page.locator('#announcement').textContent()).toBe('calibrate: done');
      expect(await page.getByRole('button', { name: 'Cancel calibrate' }).isVisible()).toBe(false);
    });

    it('never shows a command as delivered that the device has not accepted', async () => {
      const broker = await start();
      const device = await connect(broker);
      const enough = gate();
      device.onCommand('reboot', () => enough.opened.then(() => null), { accept: 'manual' });
      const page = await logIn(broker, 'operator');
      await send(page, 'reboot');
      await badge(page).getByText('sent, not confirmed').waitFor();
      expect(await badge(page).getAttribute('data-tone')).toBe('unconfirmed');
      await page.getByText('Waiting for acceptance, attempt 1 of 5 …').waitFor();
      expect(await page.locator('#device').textContent()).not.toMatch(/delivered|received/i);
    });

    it('cancels a command, and marks what the device says afterwards as late', async () => {
      const broker = await start();
      const device = await connect(broker);
      const finish = gate();
      device.onCommand('flush', async () => {
        await finish.opened;
        return null;
      });
      const page = await logIn(broker, 'operator');
      await send(page, 'flush');
      await badge(page).getByText('accepted').waitFor();
      await page.getByRole('button', { name: 'Cancel flush' }).click();
      await badge(page).getByText('cancelled').waitFor();
      finish.open();
      await page.getByText('Late: The device did it. It came after the end and changed nothing.').waitFor();
      expect(await badge(page).textContent()).toBe('cancelled');
    });

    it('says what a command waits for while the device is away, and cancels all that wait', async () => {
      const broker = await start();
      const device = await connect(broker);
      await device.stop();
      const page = await logIn(broker, 'operator');
      await send(page, 'open-valve');
      await page.getByText(/^Device offline since /).waitFor();
      await send(page, 'close-valve');
      await page.getByRole('button', { name: 'Cancel 2 waiting' }).click();
      await page.locator('.command[data-status="cancelled"]').nth(1).waitFor();
      expect(
        await page
          .getByRole('button', { name: /^Cancel/ })
          .filter({ visible: true })
          .count(),
      ).toBe(0);
    });

    it('says what is wrong with arguments, and sends nothing', async () => {
      const broker = await start();
      await connect(broker);
      const page = await logIn(broker, 'operator');
      await send(page, 'set-speed', "{'rpm': 1450}");
      await page.getByRole('alert').filter({ hasText: 'This is not valid JSON' }).waitFor();
      const args = page.getByLabel('Arguments, JSON');
      expect(await args.getAttribute('aria-invalid')).toBe('true');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('send-args');
      await page.getByText('No command has been sent to this device.').waitFor();
      await args.fill('{"rpm": 1450}');
      expect(await args.getAttribute('aria-invalid')).toBeNull();
    });

    it('lets a viewer see commands as they happen, and shows no form', async () => {
      const broker = await start();
      const device = await connect(broker);
      device.onUnknownCommand((command) => {
        command.reject('no such command');
        return undefined;
      });
      const page = await logIn(broker, 'viewer');
      await page.getByText(/Your key is a viewer's/).waitFor();
      expect(await page.getByRole('form', { name: 'Send a command' }).isVisible()).toBe(false);
      await ask(broker, 'PUT', '/desired', { interval: 30 });
      await ask(broker, 'POST', '/commands', { name: 'dance' });
      await badge(page).getByText('rejected').waitFor();
      await page.locator('summary').click();
      expect((await steps(page)).at(-1)).toBe('The device will not do it: no such command.');
      const buttons = page.locator('#device button');
      expect(await buttons.filter({ visible: true }).count()).toBe(0);
    });

    it('changes what is desired, and never overwrites what somebody else saved meanwhile', async () => {
      const broker = await start();
      const device = await connect(broker);
      device.onDesired((values) => ({ ...values, uptime: 9 }));
      const page = await logIn(broker, 'operator');
      await page.getByRole('button', { name: 'Change desired' }).click();
      const text = page.getByLabel('The whole desired document, JSON');
      await ask(broker, 'PUT', '/desired', { interval: 60 });
      await text.fill('[45]');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('The document must be a JSON object').waitFor();
      await text.fill('{"interval": 45}');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Somebody else has changed it since you began.').waitFor();
      expect(await page.locator('#theirs-text').textContent()).toContain('"interval": 60');
      expect(await text.inputValue()).toBe('{"interval": 45}');
      await page.getByRole('button', { name: 'Replace theirs' }).click();
      await page.getByText('The device is as desired (version 2).').waitFor();
      const rows = await page.locator('#comparison tbody tr').allTextContents();
      expect(rows).toEqual(['interval4545as desired', 'uptime—9reported only']);
    });

    it('shows what is desired and reported as it changes, without asking', async () => {
      const broker = await start();
      const device = await connect(broker);
      const apply = gate();
      device.onDesired(async (values) => {
        await apply.opened;
        return values;
      });
      const page = await logIn(broker, 'viewer');
      await page.getByText('Nothing is desired yet.').waitFor();
      await page.getByText(/^Live$/).waitFor();
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      await ask(broker, 'PUT', '/desired', { interval: 30 });
      await page.getByText('Version 1 is desired; the device has reported nothing yet.').waitFor();
      apply.open();
      await page.getByText('The device is as desired (version 1).').waitFor();
      const rows = await page.locator('#comparison tbody tr').allTextContents();
      expect([rows, asked]).toEqual([['interval3030as desired'], []]);
    });

    it('shows nothing of a device that was forgotten, on the page of the one that has its name now', async () => {
      const broker = await start();
      await ask(broker, 'PUT', '', { label: 'the old one' });
      await ask(broker, 'PUT', '/desired', { interval: 30 });
      const page = await logIn(broker, 'viewer');
      await page.getByText('Version 1 is desired; the device has reported nothing yet.').waitFor();
      await page.getByText(/^Live$/).waitFor();
      // Mostly within one tick of the live channel, which tells both at once; the device is away before and after.
      const headers = { 'X-API-Key': await broker.key('admin', '*') };
      const url = `${broker.url}/api/v1/devices/acme/pump-7`;
      const forgotten = await fetch(url, { method: 'DELETE', headers });
      expect(forgotten.ok).toBe(true);
      await ask(broker, 'PUT', '', { label: 'the new one' });
      await page.getByText('Nothing is desired yet.').waitFor();
    });

    it('takes no answer of before for the truth, and asks again when one was lost', async () => {
      const broker = await start();
      const device = await connect(broker);
      device.onDesired((values) => values);
      const page = await logIn(broker, 'operator');
      await page.getByRole('button', { name: 'Change desired' }).click();
      const held = gate();
      let answers: 'given' | 'lost once' = 'given';
      await page.route('**/desired', async (route) => {
        if (route.request().method() === 'PUT') {
          // It comes after the device has applied the change, and does not know of that.
          const response = await route.fetch();
          await held.opened;
          await route.fulfill({ response });
        } else {
          const isLost = answers === 'lost once';
          if (isLost) answers = 'given';
          await (isLost ? route.abort() : route.continue());
        }
      });
      await page.getByLabel('The whole desired document, JSON').fill('{"interval": 45}');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('The device is as desired (version 1).').waitFor();
      answers = 'lost once';
      held.open();
      await page.getByText(/^Desired state could not be read/).waitFor();
      await page.getByText(/^Desired state could not be read/).waitFor({ state: 'hidden' });
      await page.getByText('The device is as desired (version 1).').waitFor();
    });

    it('says so when the device is not known, and shows it when it comes', async () => {
      const broker = await start();
      const page = await logIn(broker, 'operator');
      await page.getByText('The broker knows no such device (yet).').waitFor();
      await connect(broker);
      await page.getByRole('cell', { name: '21.5' }).waitFor();
      expect(await page.locator('#commands-problem').isVisible()).toBe(false);
    });

    it('leaves nothing of it for the next person', async () => {
      const broker = await start();
      await connect(broker);
      await ask(broker, 'PUT', '/desired', { interval: 60 });
      const page = await logIn(broker, 'operator');
      await page.getByRole('rowheader', { name: 'interval' }).waitFor();
      await send(page, 'secret-thing', '{"code": 1234}');
      await page.locator('.command').waitFor();
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByLabel(/^Key/).waitFor();
      expect(await page.locator('body').textContent()).not.toMatch(/pump-7|secret|21\.5|interval/);
      expect([await page.title(), page.url()]).toEqual(['Signalbox', `${broker.url}/`]);
      expect(await page.locator('.command').count()).toBe(0);
      expect(await page.getByLabel('Arguments, JSON').inputValue()).toBe('');
    });
  },
);
