import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../broker/config/config.ts';
import { faults } from './load.ts';

describe('a configuration that is wrong says where, what was expected and what was found', () => {
  it.each([
    [
      'server:\n  port: 80800\n',
      'FILE:2:3: server.port must be a whole number from 0 to 65535, found 80800.',
    ],
    [
      'server:\n  port: eighty\n',
      'FILE:2:3: server.port must be a whole number from 0 to 65535, found "eighty".',
    ],
    ['server:\n  port:\n', 'FILE:2:3: server.port must be a whole number from 0 to 65535, found null.'],
    ['limits:\n  viewers: 0\n', 'FILE:2:3: limits.viewers must be a whole number of at least 1, found 0.'],
    ['log: { level: loud }\n', 'FILE:1:8: log.level must be one of debug, info, warn, error, found "loud".'],
    ['devices: { keyInUrl: 1 }\n', 'FILE:1:12: devices.keyInUrl must be true or false, found 1.'],
    ['server:\n\n  host: ""\n', 'FILE:3:3: server.host must be a text that is not empty, found "".'],
    [
      'server: { allowedOrigins: [a, 5] }\n',
      'FILE:1:11: server.allowedOrigins.1 must be a list of texts that are not empty, found 5.',
    ],
    ['data: ""\n', 'FILE:1:1: data must be a text that is not empty, found "".'],
    ['server: 8080\n', 'FILE:1:1: server must be a map of settings, found 8080.'],
  ])('%j', (yaml, message) => {
    expect(faults({ yaml })).toEqual([message]);
  });

  it('in a variable or a flag too', () => {
    expect(faults({ environment: { SIGNALBOX_SERVER_PORT: 'eighty' } })).toEqual([
      'SIGNALBOX_SERVER_PORT: server.port must be a whole number from 0 to 65535, found "eighty".',
    ]);
    expect(faults({ environment: { SIGNALBOX_SERVER_PORT: '80' }, flags: { server: { port: -1 } } })).toEqual(
      ['--port: server.port must be a whole number from 0 to 65535, found -1.'],
    );
    expect(faults({ flags: { data: '' } })).toEqual([
      '--data: data must be a text that is not empty, found "".',
    ]);
  });

  it('and never with a secret', () => {
    expect(faults({ yaml: 'mqtt: { password: 4711, url: "http://user:4711@host" }\n' })).toEqual([
      'FILE:1:25: mqtt.url must be a text such as mqtt://192.0.2.1:1883, found something else.',
      'FILE:1:9: mqtt.password must be a text, found something else.',
    ]);
  });

  it('all at once', () => {
    const yaml = 'server:\n  port: -1\nlimits:\n  viewers: none\n';
    expect(faults({ yaml, environment: { SIGNALBOX_LOG_LEVEL: 'loud' } })).toHaveLength(3);
  });
});

describe('a setting that does not exist', () => {
  it.each([
    ['server:\n  prot: 1\n', 'FILE:2:3: server.prot is not a setting. Did you mean port?'],
    ['sever:\n  port: 1\n', 'FILE:1:1: sever is not a setting. Did you mean server?'],
    [
      'port: 1\n',
      'FILE:1:1: port is not a setting. Known here: data, server, devices, limits, store, commands, mqtt, log.',
    ],
    ['log:\n  colours: true\n', 'FILE:2:3: log.colours is not a setting. Known here: level.'],
    [
      'server: { data: x }\n',
      /^FILE:1:11: server\.data is not a setting\. Known here: host, port, .*drainSeconds\.$/,
    ],
  ])('in the file: %j', (yaml, message) => {
    expect(faults({ yaml })).toEqual([
      typeof message === 'string' ? message : expect.stringMatching(message),
    ]);
  });

  it.each([
    ['SIGNALBOX_SERVER_PROT', 'is not a setting. Did you mean SIGNALBOX_SERVER_PORT?'],
    ['SIGNALBOX_LIMIT_VIEWERS', 'is not a setting. Did you mean SIGNALBOX_LIMITS_VIEWERS?'],
    ['SIGNALBOX_STORE_SEGMENTBYTES', 'is not a setting. Did you mean SIGNALBOX_STORE_SEGMENT_BYTES?'],
    ['SIGNALBOX_LOG_COLOURED_OUTPUT', 'is not a setting. docs/configuration.md names them all.'],
  ])('as the variable %s', (name, message) => {
    expect(faults({ environment: { [name]: '1' } })).toEqual([`${name}: ${message}`]);
  });
});

describe('a file that is no configuration', () => {
  it('names the line that is not YAML', () => {
    expect(faults({ yaml: 'server:\n  port: [1\n' })[0]).toMatch(/^FILE:\d+:\d+: .*flow/i);
    expect(faults({ yaml: 'server:\n\tport: 1\n' })[0]).toMatch(/^FILE:2:1: /);
  });

  it('names a section that is there twice, instead of taking the last', () => {
    expect(faults({ yaml: 'server: {}\nserver: {}\n' })[0]).toMatch(/^FILE:2:1: .*unique/);
  });

  it.each(['- a list\n', 'just text\n', '8080\n'])('is refused when it is no map: %j', (yaml) => {
    expect(faults({ yaml })).toEqual(['FILE:1:1: must be a map of sections, such as "server:".']);
  });

  it('is refused when it refers to what it does not define', () => {
    expect(faults({ yaml: 'server: *defaults\n' })[0]).toMatch(/^FILE.*defaults/);
  });

  it('is named when it is not there', () => {
    const missing = () => loadConfig({ file: '/nowhere/signalbox.yaml', environment: {} });
    expect(missing).toThrow(ConfigError);
    expect(missing).toThrow(/^\/nowhere\/signalbox\.yaml: cannot be read: ENOENT/);
  });

  it('is named with the variable when a secret’s file is not there', () => {
    expect(faults({ environment: { SIGNALBOX_LOG_LEVEL_FILE: '/nowhere/level' } })[0]).toMatch(
      /^SIGNALBOX_LOG_LEVEL_FILE: names a file that cannot be read: ENOENT/,
    );
  });
});
