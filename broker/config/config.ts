/**
 * Reads the broker's configuration: file, environment and flags, in that order of rising weight, checks it against one
 * schema and freezes it. No part of the broker reads it elsewhere; commands that ask a running broker find it by
 * `cli/http.ts`. The sections and keys, with the names of their variables (`SIGNALBOX_SECTION_KEY`; `…_FILE` reads a
 * value from a file), are read off the schema. What is wrong is told all at once, each fault with its place.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { type Document, isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { type Config, ConfigSchema } from '../../schemas/config.ts';

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
function placeOf(path: readonly string[]): Place | undefined {
  return PLACES.find((candidate) => candidate.path.every((part, index) => part === path[index]));
}

/** The settings of a section, or the names at the top. */
function namesIn(section: string | undefined): string[] {
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

interface ConfigFile {
  readonly value: Readonly<Record<string, unknown>>;
  /** `FILE:line:column` of the deepest part of a path that the file holds. */
  where(path: readonly string[]): string;
}

/** Throws ConfigError if the file cannot be read, is not YAML, or is not a map. */
function readConfigFile(file: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map((error) => ({
        where: at(error.pos[0]),
        path: '',
        message: error.message.split('\n')[0] ?? '',
      })),
    );
  }
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null))
    return { value: {}, where: () => file };
  if (!isMap(contents)) {
    throw new ConfigError([
      { where: at(0), path: '', message: 'must be a map of sections, such as "server:".' },
    ]);
  }
  return { value: plainValue(document, file), where: (path) => at(offsetOf(contents, path)) };
}

/** Aliases are resolved only here. */
function plainValue(document: Document, file: string): Record<string, unknown> {
  try {
    return document.toJS() as Record<string, unknown>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([{ where: file, path: '', message: `cannot be read: ${reason}` }]);
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([{ where: file, path: '', message: `cannot be read: ${reason}` }]);
  }
}

function offsetOf(map: YAMLMap, path: readonly string[]): number {
  let offset = map.range?.[0] ?? 0;
  let inside: unknown = map;
  for (const name of path) {
    if (!isMap(inside)) break;
    const pair = inside.items.find((item) => isScalar(item.key) && String(item.key.value) === name);
    if (!pair) break;
    if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
    inside = pair.value;
  }
  return offset;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** One value as given, with where it came from. */
export interface Given {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly where: string;
}

const PREFIX = 'SIGNALBOX_';
/** The command line's own (`broker/cli/http.ts`). */
const OTHERS = ['SIGNALBOX_URL', 'SIGNALBOX_KEY'];

/**
 * Faults go to `faults`: variables that name no setting of their section, or are a slip away from one, and files that
 * cannot be read. Other names with the prefix may be somebody else's: Kubernetes sets some for a service `signalbox`.
 */
function readVariables(environment: Variables, faults: ConfigFault[]): Given[] {
  return Object.entries(environment).flatMap(([name, text]) =>
    text === undefined || !name.startsWith(PREFIX) || OTHERS.includes(name)
      ? []
      : readVariable(name, text, faults),
  );
}

function readVariable(name: string, text: string, faults: ConfigFault[]): Given[] {
  const exact = PLACES.find((place) => place.variable === name);
  const place = exact ?? PLACES.find(({ variable }) => `${variable}_FILE` === name);
  if (!place) {
    faults.push(...unknown(name));
    return [];
  }
  const value = exact ? text : readSecret(name, text, faults);
  return value === null ? [] : [{ path: place.path, value: typed(place, value), where: name }];
}

function readSecret(name: string, file: string, faults: ConfigFault[]): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    faults.push({ where: name, path: '', message: `names a file that cannot be read: ${reason}` });
    return null;
  }
}

function unknown(name: string): ConfigFault[] {
  const own = SECTIONS.some((section) => name.startsWith(`${PREFIX}${section.toUpperCase()}_`));
  const bare = (variable: string) => variable.slice(PREFIX.length);
  const near = nearest(
    bare(name),
    PLACES.map(({ variable }) => bare(variable)),
    own ? undefined : 2,
  );
  if (!own && near === null) return [];
  const hint = near === null ? ' docs/configuration.md names them all.' : ` Did you mean ${PREFIX}${near}?`;
  return [{ where: name, path: '', message: `is not a setting.${hint}` }];
}

/** As the schema's type where the text is one; else the text itself, which the schema then refuses by name. */
function typed({ property }: Place, text: string): unknown {
  if (property.type === 'integer' && /^-?\d+$/.test(text)) return Number(text);
  if (property.type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  if (property.type === 'array') return text === '' ? [] : text.split(',').map((item) => item.trim());
  return text;
}

type Sections = Omit<Config, 'data'>;

/** What the command line says; undefined: nothing. */
export interface ConfigFlags {
  readonly data?: string | undefined;
  readonly server?: { readonly host?: string | undefined; readonly port?: number | undefined };
  readonly log?: { readonly level?: Sections['log']['level'] | undefined };
}

export interface ConfigSources {
  readonly file?: string | undefined;
  readonly environment: Variables;
  readonly flags?: ConfigFlags;
}

type ConfigDraft = Record<string, unknown>;

const ajv = new Ajv2020({ useDefaults: true, allErrors: true, strict: false, verbose: true });
const check = ajv.compile(ConfigSchema);

/** Throws ConfigError with every fault, each with its place, what was expected and what was found. */
export function loadConfig({ file, environment, flags = {} }: ConfigSources): Config {
  const faults: ConfigFault[] = [];
  const fromFile = file === undefined ? null : readConfigFile(file);
  const draft: ConfigDraft = { ...fromFile?.value };
  // A section that is missing, or empty as YAML's null, has all its defaults.
  for (const section of SECTIONS) draft[section] ??= {};
  const given = [...readVariables(environment, faults), ...readFlags(flags)];
  for (const one of given) put(draft, one);
  if (!check(draft))
    faults.push(...(check.errors ?? []).filter(isTelling).map((error) => describe(error, fromFile, given)));
  if (faults.length > 0) throw new ConfigError(faults);
  return freeze({ ...draft, data: dataFolder(draft.data, environment) } as Config);
}

function readFlags(flags: ConfigFlags): Given[] {
  const { data, server, log } = flags;
  const all: Given[] = [
    { path: ['data'], value: data, where: '--data' },
    { path: ['server', 'host'], value: server?.host, where: '--host' },
    { path: ['server', 'port'], value: server?.port, where: '--port' },
    { path: ['log', 'level'], value: log?.level, where: '--log-level' },
  ];
  return all.filter((one) => one.value !== undefined);
}

function put(draft: ConfigDraft, { path, value }: Given): void {
  const [section = '', key] = path;
  if (key === undefined) draft[section] = value;
  // A section that is no map is left for the schema to refuse.
  else if (typeof draft[section] === 'object') draft[section] = { ...draft[section], [key]: value };
}

/** Of a value that fits none of several, one sentence is enough. */
function isTelling(error: ErrorObject): boolean {
  return error.keyword !== 'const';
}

function describe(error: ErrorObject, file: ConfigFile | null, given: readonly Given[]): ConfigFault {
  const parts = error.instancePath.split('/').slice(1);
  const extra = error.keyword === 'additionalProperties' ? [String(error.params.additionalProperty)] : [];
  const path = [...parts, ...extra];
  const source = given.findLast((one) => one.path.join('.') === path.slice(0, 2).join('.'));
  const where = source?.where ?? file?.where(path) ?? 'configuration';
  return {
    where,
    path: path.join('.'),
    message: extra.length > 0 ? unknownKey(path) : wrongValue(path, error),
  };
}

function unknownKey(path: readonly string[]): string {
  const names = namesIn(path.length > 1 ? path[0] : undefined);
  const near = nearest(path.at(-1) ?? '', names);
  return `is not a setting.${near ? ` Did you mean ${near}?` : ` Known here: ${names.join(', ')}.`}`;
}

function wrongValue(path: readonly string[], error: ErrorObject): string {
  const property = placeOf(path)?.property ?? { type: 'object' };
  const found = 'writeOnly' in property ? 'something else' : JSON.stringify(error.data);
  return `must be ${expectation(property)}, found ${found}.`;
}

/** Flag, variable or file; else where systemd says; else beside the caller. */
function dataFolder(given: unknown, environment: Variables): string {
  const fromSystemd = environment.STATE_DIRECTORY?.split(':')[0];
  return resolve(typeof given === 'string' ? given : fromSystemd || 'data');
}

function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
