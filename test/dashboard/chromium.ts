/** The built dashboard in a real browser, which complains of script errors and of requests to anywhere else. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';

const PROGRAM = '/usr/bin/chromium';
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const CONFIG = join(import.meta.dirname, '../../dashboard/vite.config.ts');

export const HAS_CHROMIUM = existsSync(PROGRAM);

export class Chromium {
  /** The built page. */
  readonly dashboard = mkdtempSync(join(tmpdir(), 'signalbox-dashboard-'));
  private browser: Browser | null = null;
  private heard: string[] = [];

  async start(): Promise<void> {
    await build({ configFile: CONFIG, logLevel: 'error', build: { outDir: this.dashboard } });
    this.browser = await chromium.launch({ executablePath: PROGRAM, args: ARGUMENTS });
  }

  async stop(): Promise<void> {
    await this.browser?.close();
    rmSync(this.dashboard, { recursive: true, force: true });
  }

  /** A person's window. `known`: what the browser itself writes down when a person does something wrong. */
  async open(origin: string, { known }: { readonly known: RegExp }): Promise<Page> {
    if (!this.browser) throw new Error('the browser has not been started');
    const page = await this.browser.newPage({ viewport: { width: 1200, height: 700 } });
    // As patient as a test may be: what is waited for comes late on a busy machine. Less than the limit of a test, so that it is named.
    page.setDefaultTimeout(280_000);
    page.on('pageerror', (error) => this.heard.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !known.test(message.text())) this.heard.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(origin)) this.heard.push(`asks elsewhere: ${request.url()}`);
    });
    return page;
  }

  /** Since the last call. */
  complaints(): string[] {
    return this.heard.splice(0);
  }
}
