/**
 * What the commands print: tables, ages, values; and the errors that end them.
 *
 * Option values as numbers and durations, checked.
 *
 * Option values that are JSON.
 *
 * Waiting that Ctrl-C ends: for a time, or for something that goes on in the broker without us.
 */

import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../schemas/durations.ts';
import { ID } from '../../schemas/names.ts';

/** A parser for commander's options. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
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

/** A parser for commander's options; says where the JSON breaks. */
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

/** Resolves after so many ms, or as soon as `signal` says so. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end);
  });
}

/**
 * Does `work` until it is done or somebody presses Ctrl-C, which rejects with CliError and what `goesOn` says. In the end
 * the signal lets go of what `work` still waits for.
 */
export async function untilInterrupted<Result>(
  goesOn: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const over = new AbortController();
  let interrupt = (): void => undefined;
  const interrupted = new Promise<never>((_resolve, reject) => {
    interrupt = () => reject(new CliError(goesOn));
  });
  process.once('SIGINT', interrupt);
  try {
    return await Promise.race([work(over.signal), interrupted]);
  } finally {
    process.off('SIGINT', interrupt);
    over.abort();
  }
}

const DEVICE_NAME = new RegExp(`^(${ID})/(${ID})$`);

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: 1 | 2;

  /** 1: it failed; 2: it was asked wrongly. */
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Prints the answer as JSON if that was asked for, else the text for people. */
export function print(options: { readonly json?: boolean }, answer: unknown, text: () => string): void {
  console.log(options.json ? JSON.stringify(answer, null, 2) : text());
}

/** Says so, beside the answer, when a list was cut off. */
export function printMore(more: boolean): void {
  if (more) console.error('There are more; ask for them with --limit.');
}

/** Columns aligned by their widest cell; what devices sent cannot steer the terminal. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map(printable));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `3 s ago`; `never` for a time that there was not. */
export function age(time: number | null | undefined, now: number): string {
  if (!time) return 'never';
  const seconds = Math.max(0, Math.round((now - time) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

/** A date and time in UTC, or a dash. */
export function moment(time: number | null | undefined): string {
  return time ? new Date(time).toISOString().replace(/\.\d+Z$/, 'Z') : '-';
}

/** The time of day in UTC, to the millisecond. */
export function clockTime(time: number | null): string {
  return time === null ? '-' : new Date(time).toISOString().slice(11);
}

/** A metric's value in one line. */
export function shown(value: unknown): string {
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Control and invisible characters written out: a device's text must not move the cursor, or ring, or hide. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

/** `customer/device`, or the end of the command. */
export function deviceName(text: string): { customer: string; device: string } {
  const match = DEVICE_NAME.exec(text);
  if (!match) throw new CliError(`"${text}" is not CUSTOMER/DEVICE, such as acme/pump-7.`, 2);
  return { customer: match[1] as string, device: match[2] as string };
}
