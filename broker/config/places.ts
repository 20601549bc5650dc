/** The sections and keys of the configuration, read off its schema, with the names of their variables. Pure. */
import { ConfigSchema } from '../../schemas/config.ts';

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
