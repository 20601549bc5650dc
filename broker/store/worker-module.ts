/**
 * Where a worker thread's compiled file is. Node cannot start a thread from a `.ts` file, so when this runs from source
 * (tests, tsx) the thread runs from `dist/`, which must have been built from the same source.
 */

/** `name` is the path below `broker/store` without its ending, such as `log/writer`. */
export function workerModule(name: string): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL(`../../dist/broker/store/${name}.js`, import.meta.url)
    : new URL(`./${name}.js`, import.meta.url);
}
