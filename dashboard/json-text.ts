/**
 * Reads JSON as people type it and says what is wrong with it in a sentence, and writes values as JSON for people. Pure.
 */
export type Parsed = { readonly value: unknown } | { readonly problem: string };

/** Nothing but space is null. */
export function parseJson(text: string): Parsed {
  if (text.trim() === '') return { value: null };
  try {
    return { value: JSON.parse(text, exact) };
  } catch (error) {
    const hint = text.includes("'") ? ' Text and names stand in double quotes.' : '';
    return { problem: `This is not valid JSON: ${(error as Error).message}.${hint}` };
  }
}

/** A number that JavaScript would change in passing is refused, not changed. */
function exact(_name: string, value: unknown): unknown {
  const isChanged =
    typeof value === 'number' &&
    (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)));
  if (isChanged) throw new Error('a number in it is too big to be kept exactly');
  return value;
}

/** In one line. */
export function shortJson(value: unknown): string {
  return JSON.stringify(value) ?? '';
}

/** In lines, for an editor. */
export function longJson(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? '';
}
