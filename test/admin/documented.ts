/** Holds answers against the OpenAPI document that the same server gives out. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';

type Json = { readonly [key: string]: unknown };
interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: Json }>>;
}
type Responses = Readonly<Record<string, Response | { readonly $ref: string }>>;
export type Operation = {
  readonly responses: Responses;
  readonly security?: readonly unknown[];
  readonly summary?: string;
  readonly operationId?: string;
};

export interface OpenApi {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Json>>;
    readonly responses: Readonly<Record<string, Response>>;
    readonly securitySchemes: Json;
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export class Documented {
  readonly document: OpenApi;
  private readonly ajv = new Ajv2020({ strict: false });

  constructor(document: OpenApi) {
    this.document = document;
    this.ajv.addSchema({ ...document, $id: 'openapi' });
  }

  /** Fails unless the document lists this status for the operation and the body is as it says. */
  check(method: string, path: string, answer: Answer): void {
    const template = this.template(path);
    if (template === null) return;
    const operation = this.document.paths[template]?.[method.toLowerCase()];
    if (!operation) return;
    const response = operation.responses[answer.status];
    expect(response, `${method} ${template} does not document ${answer.status}`).toBeDefined();
    if (!response || answer.body === null) return;
    const media = answer.headers.get('content-type')?.split(';')[0] ?? 'none';
    const { content = {} } = this.resolved(response);
    expect(Object.keys(content)).toContain(media);
    const place =
      '$ref' in response
        ? response.$ref
        : `#/paths/${pointer(template)}/${method.toLowerCase()}/responses/${answer.status}`;
    this.fits(`openapi${place}/content/${pointer(media)}/schema`, answer.body);
  }

  /** For answers of paths and methods that no operation covers. */
  isProblem(answer: Answer): void {
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    this.fits('openapi#/components/schemas/Problem', answer.body);
    expect((answer.body as { status: number }).status).toBe(answer.status);
  }

  /** A problem is a component. */
  resolved(response: Response | { readonly $ref: string }): Response {
    if (!('$ref' in response)) return response;
    const name = response.$ref.replace('#/components/responses/', '');
    return this.document.components.responses[name] ?? {};
  }

  private fits(schema: string, body: unknown): void {
    const validate = this.ajv.getSchema(schema);
    expect(validate, `no schema at ${schema}`).toBeDefined();
    validate?.(body);
    expect(validate?.errors ?? [], JSON.stringify(body)).toEqual([]);
  }

  private template(path: string): string | null {
    const root = this.document.servers[0]?.url ?? '';
    if (!path.startsWith(`${root}/`)) return null;
    const parts = (path.slice(root.length).split('?')[0] ?? '').split('/');
    const fits = (template: string) => {
      const wanted = template.split('/');
      return (
        wanted.length === parts.length &&
        wanted.every((part, at) => part.startsWith('{') || part === parts[at])
      );
    };
    return Object.keys(this.document.paths).find(fits) ?? null;
  }
}

function pointer(text: string): string {
  return encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'));
}
