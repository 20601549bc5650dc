/**
 * The schemas as JSON Schema 2020-12 files for other languages: frames, configuration, HTTP API and live channel. Made
 * from the same objects that the broker checks with, written by the build and committed under `schemas/json`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_SCHEMAS } from './api.ts';
import { ConfigSchema } from './config.ts';
import { FRAME_SCHEMAS } from './frames.ts';
import { ClientMessageSchema, ServerMessageSchema } from './live.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Writes the files into `folder`, which is made if need be; one that is up to date is left alone. */
export function emitJsonSchemas(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, schema] of Object.entries(documents())) {
    const file = join(folder, `${name}.json`);
    const text = `${JSON.stringify(schema, null, 2)}\n`;
    if (current(file) !== text) writeFileSync(file, text);
  }
}

function documents(): Readonly<Record<string, Schema>> {
  return {
    frames: document('frames', 'A frame of signalbox.v1, as decoded from CBOR', oneOfNamed(FRAME_SCHEMAS)),
    config: document('config', 'Signalbox configuration', ConfigSchema),
    api: document('api', 'Bodies of the HTTP API', {
      $defs: Object.fromEntries(API_SCHEMAS.map((schema) => [schema.$id, schema])),
    }),
    live: document(
      'live',
      'A message of the live channel',
      oneOfNamed({ clientMessage: ClientMessageSchema, serverMessage: ServerMessageSchema }),
    ),
  };
}

function document(name: string, title: string, schema: object): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:signalbox:schema:${name}`,
    ...(portable(schema) as Schema),
    title,
  };
}

function oneOfNamed(named: Readonly<Record<string, unknown>>): Schema {
  return { anyOf: Object.keys(named).map((name) => ({ $ref: `#/$defs/${name}` })), $defs: named };
}

/** Names become places in the document: many tools know no schema that is named by `$id` inside of another. */
function portable(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(portable);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).filter(([key]) => key !== '$id');
  return Object.fromEntries(
    entries.map(([key, value]) => [key, key === '$ref' ? place(value) : portable(value)]),
  );
}

/** `Device#` → `#/$defs/Device` */
function place(reference: unknown): unknown {
  return typeof reference === 'string' && reference.endsWith('#')
    ? `#/$defs/${reference.slice(0, -1)}`
    : reference;
}

/** null: not there yet. */
function current(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
