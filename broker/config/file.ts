/** The configuration file: YAML to plain values, with the place of each for messages. */
import { readFileSync } from 'node:fs';
import { type Document, isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { ConfigError } from './places.ts';

export interface ConfigFile {
  readonly value: Readonly<Record<string, unknown>>;
  /** `FILE:line:column` of the deepest part of a path that the file holds. */
  where(path: readonly string[]): string;
}

/** Throws ConfigError if the file cannot be read, is not YAML, or is not a map. */
export function readConfigFile(file: string): ConfigFile {
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
