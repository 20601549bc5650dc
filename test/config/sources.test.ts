import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/temporary.ts';
import { load } from './load.ts';

describe('the configuration', () => {
  it('needs no file: every value has a default', () => {
    const config = load();
    expect(config.server).toMatchObject({ host: '0.0.0.0', port: 8080, allowedOrigins: [] });
    expect(config.store).toMatchObject({ engine: 'files', commitSpacing: 4 });
    expect(config.log.level).toBe('info');
  });

  it('takes what the file says and leaves the rest', () => {
    const { server, devices } = load({ yaml: 'server:\n  port: 9000\ndevices:\n' });
    expect(server).toMatchObject({ port: 9000, host: '0.0.0.0' });
    expect(devices.keepalive).toBe(30);
  });

  it.each(['', '# nothing but a comment\n', '---\n'])('takes the file %j as all defaults', (yaml) => {
    expect(load({ yaml }).server.port).toBe(8080);
  });

  it('lets a variable outweigh the file, and a flag both', () => {
    const yaml = 'data: from-file\nserver: { port: 1, host: file }\n';
    const environment = {
      SIGNALBOX_SERVER_PORT: '2',
      SIGNALBOX_SERVER_HOST: 'variable',
      SIGNALBOX_DATA: '/v',
    };
    expect(load({ yaml, environment }).server).toMatchObject({ port: 2, host: 'variable' });
    const flagged = load({ yaml, environment, flags: { data: '/f', server: { port: 3 } } });
    expect(flagged.server).toMatchObject({ port: 3, host: 'variable' });
    expect(flagged.data).toBe('/f');
  });

  it('reads numbers, yes and no, lists and names from variables', () => {
    const config = load({
      environment: {
        SIGNALBOX_STORE_SEGMENT_BYTES: '131072',
        SIGNALBOX_DEVICES_KEY_IN_URL: 'true',
        SIGNALBOX_SERVER_ALLOWED_ORIGINS: 'https://a.example, https://b.example',
        SIGNALBOX_SERVER_TRUSTED_PROXIES: '',
        SIGNALBOX_LOG_LEVEL: 'debug',
      },
    });
    expect(config.store.segmentBytes).toBe(131_072);
    expect(config.devices.keyInUrl).toBe(true);
    expect(config.server.allowedOrigins).toEqual(['https://a.example', 'https://b.example']);
    expect(config.server.trustedProxies).toEqual([]);
    expect(config.log.level).toBe('debug');
  });

  it('reads a value from the file that a variable with _FILE names, as container secrets come', () => {
    const file = join(temporaryFolder(), 'level');
    writeFileSync(file, 'warn\n');
    expect(load({ environment: { SIGNALBOX_LOG_LEVEL_FILE: file } }).log.level).toBe('warn');
  });

  it('leaves alone what others set: the command line’s own variables, and those that Kubernetes makes', () => {
    const environment = {
      SIGNALBOX_URL: 'http://broker',
      SIGNALBOX_KEY: 'sbx_',
      SIGNALBOX_PORT: 'tcp://10.0.0.1:8080',
      SIGNALBOX_SERVICE_HOST: '10.0.0.1',
      PATH: '/bin',
    };
    expect(load({ environment }).server.port).toBe(8080);
  });

  it('cannot be changed once it is read', () => {
    const config = load({ yaml: 'server: { allowedOrigins: [https://a.example] }' });
    expect(() => Object.assign(config.server, { port: 1 })).toThrow(TypeError);
    expect(() => (config.server.allowedOrigins as string[]).push('x')).toThrow(TypeError);
    expect(() => Object.assign(config, { data: '/' })).toThrow(TypeError);
  });

  it('does not share anything between two readings', () => {
    const first = load({ yaml: 'limits: { viewers: 7 }' });
    expect(load().limits.viewers).toBe(500);
    expect(load().server.allowedOrigins).not.toBe(first.server.allowedOrigins);
  });
});

describe('the data folder', () => {
  it('is ./data without anything said, and the first of systemd’s $STATE_DIRECTORY under it', () => {
    expect(load().data).toBe(resolve('data'));
    expect(load({ environment: { STATE_DIRECTORY: '' } }).data).toBe(resolve('data'));
    const environment = { STATE_DIRECTORY: '/var/lib/signalbox:/var/lib/other' };
    expect(load({ environment }).data).toBe('/var/lib/signalbox');
  });

  it('is the configured one before that, as an absolute path', () => {
    const environment = { STATE_DIRECTORY: '/var/lib/signalbox' };
    expect(load({ yaml: 'data: here', environment }).data).toBe(resolve('here'));
    const named = { ...environment, SIGNALBOX_DATA: '/srv/signalbox' };
    expect(load({ yaml: 'data: here', environment: named }).data).toBe('/srv/signalbox');
    const folder = temporaryFolder();
    expect(load({ environment: named, flags: { data: folder } }).data).toBe(folder);
  });
});
