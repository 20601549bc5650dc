/** The sections and keys of the configuration, read off its schema, with the names of their variables. Pure. */
import { ConfigSchema } from '../../schemas/config.ts';

interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly { readonly const?: unknown }[];
}

export interface Place {
  readonly section: string;
  readonly key: string;
  /** `section.key` */
  readonly path: string;
  /** `SIGNALBOX_SECTION_KEY` */
  readonly variable: string;
  readonly property: Property;
}

type SectionSchema = { readonly properties?: Readonly<Record<string, Property>> };

const sections = ConfigSchema.properties as unknown as Readonly<Record<string, SectionSchema>>;

export const SECTIONS = Object.keys(sections).filter((name) => sections[name]?.properties);

export const PLACES: readonly Place[] = SECTIONS.flatMap((section) =>
  Object.entries(sections[section]?.properties ?? {}).map(([key, property]) => ({
    section,
    key,
    path: `${section}.${key}`,
    variable: `SIGNALBOX_${upperSnake(section)}_${upperSnake(key)}`,
    property,
  })),
);

/** What a value must be, in words. */
export function expectation({ type, minimum, maximum, anyOf }: Property): string {
  if (anyOf) return `one of ${anyOf.map((option) => option.const).join(', ')}`;
  if (type === 'array') return 'a list of texts';
  if (type === 'boolean') return 'true or false';
  if (type !== 'integer') return 'a text';
  if (maximum !== undefined) return `a whole number from ${minimum ?? 0} to ${maximum}`;
  return minimum === undefined ? 'a whole number' : `a whole number of at least ${minimum}`;
}

function upperSnake(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
}
