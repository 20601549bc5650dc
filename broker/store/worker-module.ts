/**
 * Where a worker thread's file is: compiled beside compiled code, and TypeScript beside TypeScript, which Node runs by
 * stripping its types.
 */
import { extname } from 'node:path';

/** `name` is the path below `broker/store` without its ending, such as `log/writer`. */
export function workerModule(name: string): URL {
  return new URL(`./${name}${extname(import.meta.url)}`, import.meta.url);
}
