/**
 * Where the bridge's thread is: compiled beside compiled code, and TypeScript beside TypeScript, which Node runs by
 * stripping its types.
 */
import { extname } from 'node:path';

export const WORKER_MODULE = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
