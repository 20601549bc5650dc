/**
 * Checks requests against their schemas and says in words what was expected where. Bodies are taken as they are;
 * queries and paths are text, so their numbers and booleans are read from it. Answers are written as they are:
 * their schemas document them, and drop nothing.
 */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify/types/schema.js';
import type { TSchema } from 'typebox';
import { API_SCHEMAS } from '../../schemas/api.ts';
import { Refusal } from './refusal.ts';

const PART_NAMES: Readonly<Record<string, string>> = { querystring: 'query', params: 'path' };

/** The compiler that fastify asks once a route and part. */
export function validatorCompiler(): FastifySchemaCompiler<TSchema> {
  const exact = new Ajv2020({ schemas: [...API_SCHEMAS], allowUnionTypes: true });
  const fromText = new Ajv2020({ coerceTypes: true });
  return ({ schema, httpPart = 'body' }) => {
    const validate = (httpPart === 'body' ? exact : fromText).compile(schema);
    const part = PART_NAMES[httpPart] ?? httpPart;
    return (value: unknown) => {
      if (validate(value)) return infinite(part, value) ?? { value };
      return { error: new Refusal('bad-request', describe(part, validate.errors?.[0])) };
    };
  };
}

/** `1e999` and `Infinity` in a query are read as a number that no bound of a schema is asked about. */
function infinite(part: string, value: unknown): { error: Refusal } | null {
  const members = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const found = members.find(([, member]) => typeof member === 'number' && !Number.isFinite(member));
  return found ? { error: new Refusal('bad-request', `${part}.${found[0]} must be a finite number.`) } : null;
}

export const serializerCompiler: FastifySerializerCompiler<TSchema> = () => (answer: unknown) =>
  JSON.stringify(answer);

/** `body.role must be one of device, viewer, operator, admin.` */
function describe(part: string, error: ErrorObject | undefined): string {
  if (!error) return `${part} is not as documented.`;
  const field = `${part}${error.instancePath.replaceAll('/', '.')}`;
  const { params, keyword } = error;
  if (error.propertyName !== undefined) {
    return `${field} has the name ${JSON.stringify(error.propertyName)}, which ${error.message}.`;
  }
  if (keyword === 'required') return `${field}.${params.missingProperty} is missing.`;
  if (keyword === 'enum') return `${field} must be one of ${params.allowedValues.join(', ')}.`;
  if (keyword === 'additionalProperties') {
    return `${field}.${params.additionalProperty} is not known here; leave it out.`;
  }
  return `${field} ${error.message}.`;
}
