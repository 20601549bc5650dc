/**
 * Prints the answers of the commands: as JSON, or as tables, ages and values for people, in which nothing that a device
 * sent can steer the terminal. Declares `CliError`, the message and exit code with which a command ends.
 */
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
