/** A configuration for tests: the schema's defaults, with what the test says in the place of some. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type Config, ConfigSchema } from '../../schemas/config.ts';

type Sections = Omit<Config, 'data'>;
export type Overrides = { readonly [Section in keyof Sections]?: Partial<Sections[Section]> };

const applyDefaults = new Ajv2020({ useDefaults: true, strict: false }).compile(ConfigSchema);

export function testConfig(data: string, overrides: Overrides = {}): Config {
  const config = { server: {}, devices: {}, limits: {}, store: {}, commands: {}, mqtt: {}, log: {} };
  if (!applyDefaults(config)) throw new Error('the defaults break their own schema');
  const defaults = config as unknown as Sections;
  const loopback = { host: '127.0.0.1', port: 0, drainSeconds: 0 };
  const server = { ...defaults.server, ...loopback, ...overrides.server };
  const { devices, limits, store, commands, mqtt, log } = overrides;
  return {
    data,
    server,
    devices: { ...defaults.devices, ...devices },
    limits: { ...defaults.limits, ...limits },
    store: { ...defaults.store, ...store },
    commands: { ...defaults.commands, ...commands },
    mqtt: { ...defaults.mqtt, ...mqtt },
    log: { ...defaults.log, ...log },
  };
}
