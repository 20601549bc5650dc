/** The configuration from the environment: `SIGNALBOX_SECTION_KEY`, and `…_FILE` to read a value from a file. */
import { readFileSync } from 'node:fs';
import { type ConfigFault, nearest, PLACES, type Place, SECTIONS } from './places.ts';

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
export function readVariables(environment: Variables, faults: ConfigFault[]): Given[] {
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
