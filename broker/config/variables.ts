/** The configuration from the environment: `SIGNALBOX_SECTION_KEY`, and `…_FILE` to read a value from a file. */
import { readFileSync } from 'node:fs';
import { type ConfigFault, nearest } from './faults.ts';
import { PLACES, type Place, SECTIONS } from './places.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** One value as given, with where it came from. */
export interface Given {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly where: string;
}

const OTHERS = ['SIGNALBOX_DATA', 'SIGNALBOX_URL', 'SIGNALBOX_KEY'];

/** Faults go to `faults`: variables of a known section that name nothing, and files that cannot be read. */
export function readVariables(environment: Variables, faults: ConfigFault[]): Given[] {
  const given: Given[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (text === undefined || !name.startsWith('SIGNALBOX_')) continue;
    if (name === 'SIGNALBOX_DATA') given.push({ path: ['data'], value: text, where: name });
    else if (!OTHERS.includes(name)) readVariable(name, text, given, faults);
  }
  return given;
}

function readVariable(name: string, text: string, given: Given[], faults: ConfigFault[]): void {
  const exact = PLACES.find((place) => place.variable === name);
  const fromFile = PLACES.find((place) => `${place.variable}_FILE` === name);
  const place = exact ?? fromFile;
  if (!place) {
    if (SECTIONS.some((section) => name.startsWith(`SIGNALBOX_${section.toUpperCase()}_`)))
      faults.push(unknown(name));
    return;
  }
  const value = exact ? text : readSecret(name, text, faults);
  if (value !== null)
    given.push({ path: [place.section, place.key], value: typed(place, value), where: name });
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

function unknown(name: string): ConfigFault {
  const known = PLACES.map((place) => place.variable);
  const near = nearest(name, known);
  return { where: name, path: '', message: `is not a setting.${near ? ` Did you mean ${near}?` : ''}` };
}

/** As the schema's type where the text is one; else the text itself, which the schema then refuses by name. */
function typed({ property }: Place, text: string): unknown {
  if (property.type === 'integer' && /^-?\d+$/.test(text)) return Number(text);
  if (property.type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  if (property.type === 'array') return text === '' ? [] : text.split(',').map((item) => item.trim());
  return text;
}
