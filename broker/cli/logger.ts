/** Makes the process's logger: JSON lines on stdout for machines, coloured lines on a terminal. */
import { pino } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { Config } from '../../schemas/config.ts';
import type { Logger } from '../base/logger.ts';

export function makeLogger({ log }: Pick<Config, 'log'>): Logger {
  const options = { level: log.level, base: null };
  return process.stdout.isTTY ? pino(options, PinoPretty({ colorize: true, sync: true })) : pino(options);
}
