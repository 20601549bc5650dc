/**
 * What openapi-typescript, a generator of clients that many use, makes of the document that the broker serves. It works with
 * TypeScript 5 in the process; the checkout's own compiler, 7, has no interface for programs.
 */
import { registerHooks } from 'node:module';
import type { OpenAPI3 } from 'openapi-typescript';
import type { OpenApi } from './documented.ts';

const HEADER = `/**
 * The HTTP API as types, for openapi-fetch. Generated from the OpenAPI document: change the routes and schemas, and then run
 * \`npx vitest run --config test/vitest.config.ts test/admin/generated.test.ts -u\`.
 */
`;

/** The source of the types. */
export async function generatedTypes(document: OpenApi): Promise<string> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === 'typescript' ? 'typescript5' : specifier, context),
  });
  try {
    const { default: openapiTypes, astToString } = await import('openapi-typescript');
    const types = await openapiTypes(structuredClone(document) as unknown as OpenAPI3);
    return HEADER + astToString(types);
  } finally {
    hooks.deregister();
  }
}
