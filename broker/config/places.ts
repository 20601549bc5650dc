/**
 * The sections and keys of the configuration, read off its schema, with the names of their variables. Pure.
 *
 * What is wrong with a configuration: every fault at once, each with its place.
 */
import { ConfigSchema } from '../../schemas/config.ts';

export interface ConfigFault {
  /** `FILE:line:column`, a variable or a flag. */
  readonly where: string;
  /** `section.key`, or empty for the whole. */
  readonly path: string;
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(
      faults.map(({ where, path, message }) => `${where}: ${path ? `${path} ` : ''}${message}`).join('\n'),
    );
    this.faults = faults;
  }
}

/** The known name nearest to a mistyped one, if it is at most `steps` letters away: by default a third of it. */
export function nearest(
  name: string,
  known: readonly string[],
  steps = Math.max(2, Math.floor(name.length / 3)),
): string | null {
  let best: { readonly candidate: string | null; readonly away: number } = {
    candidate: null,
    away: steps + 1,
  };
  for (const candidate of known) {
    const away = distance(name.toLowerCase(), candidate.toLowerCase());
    if (away < best.away) best = { candidate, away };
  }
  return best.candidate;
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly examples?: readonly string[];
  /** Holds a secret, or may. */
  readonly writeOnly?: boolean;
  readonly anyOf?: readonly { readonly const?: unknown }[];
}

export interface Place {
  /** `[section, key]`; the data folder stands alone. */
  readonly path: readonly string[];
  /** `section.key` */
  readonly name: string;
  /** `SIGNALBOX_SECTION_KEY` */
  readonly variable: string;
  readonly property: Property;
}

type SectionSchema = Property & { readonly properties?: Readonly<Record<string, Property>> };

const top = Object.entries(ConfigSchema.properties as unknown as Readonly<Record<string, SectionSchema>>);

export const SECTIONS = top.filter(([, { properties }]) => properties).map(([section]) => section);

export const PLACES: readonly Place[] = top.flatMap(([section, { properties, ...property }]) =>
  properties
    ? Object.entries(properties).map(([key, inner]) => place([section, key], inner))
    : [place([section], property)],
);

/** The setting that a path leads to or into. */
export function placeOf(path: readonly string[]): Place | undefined {
  return PLACES.find((candidate) => candidate.path.every((part, index) => part === path[index]));
}

/** The settings of a section, or the names at the top. */
export function namesIn(section: string | undefined): string[] {
  if (section === undefined) return top.map(([name]) => name);
  return PLACES.filter(({ path }) => path[0] === section && path.length > 1).map(
    ({ path }) => path[1] as string,
  );
}

/** What a value must be, in words. */
export function expectation(property: Property): string {
  const { type, minimum, maximum, anyOf } = property;
  if (anyOf) return `one of ${anyOf.map((option) => option.const).join(', ')}`;
  if (type === 'array') return 'a list of texts that are not empty';
  if (type === 'boolean') return 'true or false';
  if (type === 'object') return 'a map of settings';
  if (type !== 'integer') return expectedText(property);
  if (maximum !== undefined) return `a whole number from ${minimum ?? 0} to ${maximum}`;
  return minimum === undefined ? 'a whole number' : `a whole number of at least ${minimum}`;
}

function expectedText({ pattern, examples, default: value, minLength }: Property): string {
  if (pattern !== undefined) return `a text such as ${examples?.[0] ?? value}`;
  return minLength === undefined ? 'a text' : 'a text that is not empty';
}

function place(path: readonly string[], property: Property): Place {
  const variable = ['SIGNALBOX', ...path.map(upperSnake)].join('_');
  return { path, name: path.join('.'), variable, property };
}

function upperSnake(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
}
