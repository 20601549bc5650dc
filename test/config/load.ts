/** Loads a configuration from what a test says, and tells what was wrong with it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, type ConfigSources, loadConfig } from '../../broker/config/config.ts';
import type { Config } from '../../schemas/config.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

export interface Said extends Partial<Omit<ConfigSources, 'file'>> {
  /** The text of the file; none without it. */
  readonly yaml?: string;
}

export function load({ yaml, environment = {}, flags = {} }: Said = {}): Config {
  return loadConfig({ file: yaml === undefined ? undefined : written(yaml), environment, flags });
}

/** The lines of the message, with the file as `FILE`. */
export function faults(said: Said): string[] {
  try {
    load(said);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replace(/\S*signalbox\.yaml/g, 'FILE'));
  }
  throw new Error('the configuration was taken');
}

function written(yaml: string): string {
  const file = join(temporaryFolder(), 'signalbox.yaml');
  writeFileSync(file, yaml);
  return file;
}
