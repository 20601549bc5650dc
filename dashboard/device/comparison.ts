/**
 * Compares desired and reported state (P-6), row by row and in a sentence, and reads the editor's text as a document.
 * Pure.
 */
import type { Documents } from '../../schemas/api.ts';
import { parseJson, shortJson } from '../json-text.ts';

export interface ComparedName {
  readonly name: string;
  /** In one line; null: it is not there. */
  readonly desired: string | null;
  readonly reported: string | null;
  /** `extra`: the device reports it and nobody asked for it, which is its own affair. */
  readonly state: 'same' | 'differs' | 'unreported' | 'extra';
}

/** What differs comes first, then by name. */
export function compare({ desired, reported, difference }: Documents): readonly ComparedName[] {
  const wanted = desired?.values ?? {};
  const applied = reported?.values ?? {};
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(applied)])].sort();
  const rows = names.map((name) => {
    const state = stateOf(
      Object.hasOwn(wanted, name),
      Object.hasOwn(applied, name),
      Object.hasOwn(difference, name),
    );
    return { name, desired: textOf(wanted, name), reported: textOf(applied, name), state };
  });
  const isDifferent = ({ state }: ComparedName) => state === 'differs' || state === 'unreported';
  return [...rows.filter(isDifferent), ...rows.filter((row) => !isDifferent(row))];
}

function stateOf(isDesired: boolean, isReported: boolean, differs: boolean): ComparedName['state'] {
  if (!isDesired) return 'extra';
  if (!isReported) return 'unreported';
  return differs ? 'differs' : 'same';
}

function textOf(values: Readonly<Record<string, unknown>>, name: string): string | null {
  return Object.hasOwn(values, name) ? shortJson(values[name]) : null;
}

/** Where the two stand, in a sentence. */
export function summary({ obstacle, ...documents }: Documents): string {
  return obstacle === undefined ? standing(documents) : `${standing(documents)} It is not sent: ${obstacle}`;
}

function standing({ desired, reported, difference, inSync }: Documents): string {
  if (!desired)
    return reported ? 'Nothing is desired; the device tells what it applies.' : 'Nothing is desired yet.';
  if (!reported) return `Version ${desired.version} is desired; the device has reported nothing yet.`;
  if (inSync) return `The device is as desired (version ${desired.version}).`;
  if (reported.version === desired.version) {
    return `The device has version ${desired.version} and differs in ${names(Object.keys(difference).length)}.`;
  }
  const applied = reported.version === 0 ? 'none yet' : `version ${reported.version}`;
  return `Version ${desired.version} is desired; the device has applied ${applied}.`;
}

function names(count: number): string {
  return count === 1 ? 'one name' : `${count} names`;
}

/** What the next change must have seen; 0: nothing is desired. */
export function versionOf({ desired }: Documents): number {
  return desired?.version ?? 0;
}

export type ReadDocument =
  | { readonly values: Readonly<Record<string, unknown>> }
  | { readonly problem: string };

export function readDocument(text: string): ReadDocument {
  const parsed = parseJson(text);
  if ('problem' in parsed) return parsed;
  const { value } = parsed;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return { values: value as Readonly<Record<string, unknown>> };
  }
  return { problem: 'The document must be a JSON object, such as {"interval": 30}.' };
}
