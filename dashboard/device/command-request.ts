/** The command form as a request, or what is wrong with it. Pure, but for the ids, which are random. */
import type { NewCommand } from '../../schemas/api.ts';
import { parseDuration } from '../../schemas/durations.ts';
import { parseJson } from '../json-text.ts';

export interface CommandFields {
  readonly name: string;
  readonly args: string;
  readonly ttl: string;
  readonly supersede: string;
}

export type ReadRequest =
  | { readonly request: NewCommand }
  | { readonly field: keyof CommandFields; readonly problem: string };

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;

/** Fields that are left empty are left out, which means the broker's defaults. */
export function readRequest(fields: CommandFields): ReadRequest {
  const name = fields.name.trim();
  if (!NAME.test(name)) {
    const problem = 'A name is letters, digits, _, . and -, 64 at most, and begins with a letter or _.';
    return { field: 'name', problem: name === '' ? 'Say what the device should do.' : problem };
  }
  const args = parseJson(fields.args);
  if ('problem' in args) return { field: 'args', problem: args.problem };
  const ttl = readSeconds(fields.ttl);
  if (Number.isNaN(ttl))
    return { field: 'ttl', problem: 'Write seconds, or a time such as 60s, 10m, 2h or 1d.' };
  const supersede = fields.supersede.trim();
  if (supersede.length > 64) return { field: 'supersede', problem: 'The word has 64 characters at most.' };
  return {
    request: {
      name,
      ...(args.value !== null && { args: args.value }),
      ...(ttl !== null && { ttl }),
      ...(supersede !== '' && { supersede }),
    },
  };
}

/** null: nothing was said; NaN: it cannot be read. */
function readSeconds(text: string): number | null {
  if (text.trim() === '') return null;
  return (parseDuration(text, 's') ?? Number.NaN) / 1000;
}

/**
 * Gives a request its id. After an attempt whose outcome is not known, the same request gets the same id, so that sending
 * it again cannot make a second command. Owns the attempt that is open.
 */
export class Attempts {
  private open: { readonly text: string; readonly id: string } | null = null;

  idFor(request: NewCommand): string {
    const text = JSON.stringify(request);
    if (this.open?.text !== text) this.open = { text, id: randomId() };
    return this.open.id;
  }

  /** The broker has answered, whatever it said. */
  settled(): void {
    this.open = null;
  }
}

/** 72 bits. `crypto.randomUUID` is missing where the page comes over plain HTTP from another machine. */
function randomId(): string {
  const text = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(9))));
  return text.replaceAll('+', '-').replaceAll('/', '_');
}
