/**
 * The configuration: file, environment and flags, in that order of rising weight, checked against one schema, then
 * frozen. Read here and nowhere else.
 */
import { resolve } from 'node:path';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { type Config, ConfigSchema } from '../../schemas/config.ts';
import { type ConfigFile, readConfigFile } from './file.ts';
import { ConfigError, type ConfigFault, expectation, namesIn, nearest, placeOf, SECTIONS } from './places.ts';
import { type Given, readVariables, type Variables } from './variables.ts';

export { ConfigError } from './places.ts';

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

type Draft = Record<string, unknown>;

const ajv = new Ajv2020({ useDefaults: true, allErrors: true, strict: false, verbose: true });
const check = ajv.compile(ConfigSchema);

/** Throws ConfigError with every fault, each with its place, what was expected and what was found. */
export function loadConfig({ file, environment, flags = {} }: ConfigSources): Config {
  const faults: ConfigFault[] = [];
  const fromFile = file === undefined ? null : readConfigFile(file);
  const draft: Draft = { ...fromFile?.value };
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

function put(draft: Draft, { path, value }: Given): void {
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
