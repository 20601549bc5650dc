import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { duration, positiveNumber, share, wholeNumber } from '../../broker/cli/options.ts';
import { age } from '../../broker/cli/output.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { run } from './terminal.ts';

describe('somebody who is new', () => {
  it('sees the commands without having asked for one, and with --help', async () => {
    const bare = await run();
    expect(bare.code).toBe(2);
    expect(bare.err.join('\n')).toMatch(/device.*\n.*state/s);
    const help = await run('--help');
    expect(help.code).toBe(0);
    expect(help.out.join('\n')).toMatch(/key .*device /s);
  });

  it('sees the version', async () => {
    expect(await run('--version')).toMatchObject({ code: 0, out: ['1.2.3'] });
  });

  it.each([
    [['devise'], /unknown command 'devise'.*Did you mean device\?/s],
    [['device', 'lst'], /unknown command 'lst'.*Did you mean list\?/s],
    [['state', 'acme/p', '--jsn'], /unknown option '--jsn'.*Did you mean --json\?/s],
    [['key'], /create.*list.*revoke.*rotate/s],
    [['key', 'revoke'], /missing required argument 'id'/],
  ])('is helped after %j, and exits with 2', async (args, message) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: [] });
    expect(err.join('\n')).toMatch(message);
  });
});

describe('signalbox check-config', () => {
  it('prints what a configuration adds up to, with the environment over it', async () => {
    const file = configuration('server: { port: 9000 }\n');
    variable('SIGNALBOX_LOG_LEVEL', 'warn');
    const { code, out } = await run('check-config', file, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out.join('\n'))).toMatchObject({
      server: { port: 9000, host: '0.0.0.0' },
      log: { level: 'warn' },
    });
    const yaml = await run('check-config', '--config', file);
    expect(yaml.out).toContain('  port: 9000');
  });

  it('says what is wrong with one, and exits with 2', async () => {
    const file = configuration('server:\n  prot: 9000\n');
    const { code, out, err } = await run('check-config', file);
    expect({ code, out }).toEqual({ code: 2, out: [] });
    expect(err).toEqual([`${file}:2:3: server.prot is not a setting. Did you mean port?`]);
  });

  function configuration(yaml: string): string {
    const file = join(temporaryFolder(), 'signalbox.yaml');
    writeFileSync(file, yaml);
    return file;
  }

  function variable(name: string, value: string): void {
    vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
  }
});

describe('numbers on the command line', () => {
  it.each([
    ['90d', 90 * 86_400_000],
    ['24h', 86_400_000],
    ['30m', 1_800_000],
    ['60s', 60_000],
    ['250ms', 250],
    ['2w', 1_209_600_000],
    ['1.5h', 5_400_000],
  ])('%s is a duration', (text, milliseconds) => {
    expect(duration(text)).toBe(milliseconds);
  });

  it.each(['', '90', 'd', '-1d', '1  d', '1D', '1y', '1h30m'])('%j is none', (text) => {
    expect(() => duration(text)).toThrow(InvalidArgumentError);
  });

  it('are whole and within their bounds', () => {
    const port = wholeNumber(0, 65_535);
    expect([port('0'), port('65535')]).toEqual([0, 65_535]);
    for (const text of ['', ' ', '-1', '65536', '1.5', 'http'])
      expect(() => port(text)).toThrow(InvalidArgumentError);
  });

  it('are rates above 0, and shares of the whole', () => {
    expect([positiveNumber()('0.5'), positiveNumber()('1e3')]).toEqual([0.5, 1000]);
    for (const text of ['', '0', '-1', 'Infinity', 'x'])
      expect(() => positiveNumber()(text)).toThrow(InvalidArgumentError);
    expect([share('0'), share('0.1'), share('1')]).toEqual([0, 0.1, 1]);
    for (const text of ['', '-0.1', '1.1', '10', 'x'])
      expect(() => share(text)).toThrow(InvalidArgumentError);
  });

  it('are ages in words, never of the future', () => {
    const now = 1_780_000_000_000;
    const ages = [null, 0, now + 5000, now, now - 119_000, now - 120_000, now - 7_200_000, now - 172_800_000];
    expect(ages.map((time) => age(time, now))).toEqual([
      'never',
      'never',
      '0 s ago',
      '0 s ago',
      '119 s ago',
      '2 min ago',
      '2 h ago',
      '2 d ago',
    ]);
  });
});
