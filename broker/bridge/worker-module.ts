/**
 * Where the bridge's thread is. Node cannot start a thread from a `.ts` file, so when this runs from source (tests, tsx)
 * the thread runs from `dist/`, which must have been built from the same source.
 */
export const WORKER_MODULE = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/broker/bridge/worker.js', import.meta.url)
  : new URL('./worker.js', import.meta.url);
