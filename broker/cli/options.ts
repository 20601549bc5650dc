/**
 * Parses what is typed behind a command and its options: numbers, shares, durations, JSON, and the name of a device.
 * Each parser returns the value, or throws the error that the command line prints. Pure.
 */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../schemas/durations.ts';
import { ID } from '../../schemas/names.ts';
import { CliError } from './output.ts';

/** A parser of whole numbers within these bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** The same for numbers above 0. */
export function positiveNumber(most = Number.MAX_VALUE): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value > 0 && value <= most) return value;
    throw new InvalidArgumentError(
      most === Number.MAX_VALUE ? 'Expected a number above 0.' : `Expected a number above 0, up to ${most}.`,
    );
  };
}

/** A part of the whole. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Expected a number from 0 to 1, such as 0.1.');
}

/** `90d`, `24h`, `60s` → milliseconds. */
export function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== null) return milliseconds;
  throw new InvalidArgumentError(
    'Expected a duration such as 90d, 24h, 30m or 60s, at most a thousand years.',
  );
}

/** How long a command lives: `60s`, or `60`, which counts seconds as in the API; → milliseconds. */
export function ttl(text: string): number {
  const milliseconds = parseDuration(text, 's');
  if (milliseconds !== null) return milliseconds;
  throw new InvalidArgumentError('Expected seconds or a duration, such as 60, 60s or 10m; 0: now or never.');
}

/** Any JSON value; the error says where the text is not JSON. */
export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new InvalidArgumentError(`It is not JSON: ${error.message}. Quote it, as in '{"open":0.5}'.`);
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** The same for what must be a JSON object. */
export function jsonObject(text: string): JsonObject {
  const value = json(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new InvalidArgumentError(`Expected a JSON object, as in '{"mode":"auto"}'.`);
}

const DEVICE_NAME = new RegExp(`^(${ID})/(${ID})$`);

/** `customer/device`, or the end of the command. */
export function deviceName(text: string): { customer: string; device: string } {
  const match = DEVICE_NAME.exec(text);
  if (!match) throw new CliError(`"${text}" is not CUSTOMER/DEVICE, such as acme/pump-7.`, 2);
  return { customer: match[1] as string, device: match[2] as string };
}
