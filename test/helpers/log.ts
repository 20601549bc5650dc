/** Logs for tests: one that drops everything, one that keeps it. */
import type { Logger } from '../../broker/base/logger.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

const drop = () => {};

export const silentLog: Logger = { debug: drop, info: drop, warn: drop, error: drop, child: () => silentLog };

/** Puts every line into `lines`, children's too, with the children's fields. */
export function recordingLog(lines: LogLine[], inherited: object = {}): Logger {
  const at = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...inherited, ...fields }, message });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recordingLog(lines, { ...inherited, ...fields }),
  };
}
