/** Option values that are JSON. */
import { InvalidArgumentError } from 'commander';

/** A parser for commander's options; says where the JSON breaks. */
export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new InvalidArgumentError(`It is not JSON: ${error.message}. Quote it, as in '{"open":0.5}'.`);
  }
}

/** The same for what must be a JSON object. */
export function jsonObject(text: string): object {
  const value = json(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new InvalidArgumentError(`Expected a JSON object, as in '{"mode":"auto"}'.`);
}
