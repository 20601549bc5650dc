/**
 * Makes two things of the routes' schemas. It checks requests and says in words what was expected where: bodies are
 * taken as they are, numbers and booleans of queries and paths are read from text, and answers are written unchecked.
 * And it makes the OpenAPI document (3.1) for programs that generate clients: each operation has a name that stays
 * (`operationId`), and problems are components. Routes write down here what they answer (`answers`).
 */
import { STATUS_CODES } from 'node:http';
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify/types/schema.js';
import type { TSchema } from 'typebox';
import { API_SCHEMAS, ProblemSchema, reference } from '../../schemas/api.ts';
import { PROBLEMS, type ProblemCode } from '../../schemas/problems.ts';
import { rolesInWords } from '../../schemas/roles.ts';
import { SESSION_COOKIE } from '../access/credentials.ts';
import { Refusal } from './refusal.ts';

/** Before every path of the document. */
export const API_ROOT = '/api/v1';

const TAGS = [
  ['devices', 'Customers, their devices and the last-known state of these.'],
  ['commands', 'Commands to one device.'],
  ['jobs', 'Commands to groups of devices.'],
  ['desired', 'What a device should be like, and what it says it is.'],
  ['keys', 'Keys of devices and people; for admins.'],
  ['session', 'Logins of browsers.'],
  ['audit', 'Who asked what of whom.'],
  ['broker', 'The broker itself.'],
] as const;

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

/** What every route that wants a key can answer. */
const USUAL: readonly ProblemCode[] = [
  'bad-request',
  'unauthorized',
  'forbidden',
  'too-many-requests',
  'internal',
  'not-ready',
];

/** The answers of a route: one that is meant, and the problems besides the usual ones. */
export function answers<Status extends number, Answer extends TSchema>(
  status: Status,
  answer: Answer,
  ...problems: readonly ProblemCode[]
): { readonly [Key in Status]: Answer } {
  return { ...problemAnswers([...USUAL, ...problems]), [status]: answer };
}

/** `{400: …}`; problems of one status stand together. */
function problemAnswers(codes: readonly ProblemCode[]): object {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, group]) => [status, problemAnswer(group)]));
}

function problemAnswer(codes: readonly ProblemCode[]): ProblemAnswer {
  const description = codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' ');
  return { description, content: { [PROBLEM]: { schema: reference(ProblemSchema) } } };
}

const PROBLEM = 'application/problem+json';

interface ProblemAnswer {
  readonly description: string;
  readonly content: Readonly<Record<typeof PROBLEM, object>>;
}

/**
 * What programs that generate clients do better with: a word for each good answer, problems of one status as one
 * component that operations refer to, with the codes that they answer (in 3.1 a description beside a reference goes
 * before the component's), and the type of each choice.
 */
function forGenerators<Document extends { readonly paths?: object; readonly components?: object }>(
  document: Document,
): Document {
  const components: Record<string, ProblemAnswer> = {};
  for (const { responses } of Object.values(document.paths ?? {}).flatMap(operationsOf)) {
    for (const [status, answer] of Object.entries(responses)) {
      const meaning = STATUS_CODES[status] ?? status;
      if (isProblem(answer)) {
        const name = meaning.replaceAll(' ', '');
        components[name] ??= { ...answer, description: `${meaning}: a problem (RFC 9457).` };
        responses[status] = { $ref: `#/components/responses/${name}`, description: answer.description };
      } else if (answer.description === UNDESCRIBED) responses[status] = { ...answer, description: meaning };
    }
  }
  return typed({ ...document, components: { ...document.components, responses: components } }) as Document;
}

/** What fastify's plug-in writes where nobody has. */
const UNDESCRIBED = 'Default Response';

interface DescribedAnswer {
  readonly description: string;
  readonly $ref?: string;
}

interface Operation {
  readonly responses: Record<string, DescribedAnswer>;
}

function operationsOf(path: object): Operation[] {
  return Object.values(path);
}

function isProblem(answer: DescribedAnswer): answer is ProblemAnswer {
  const { content = {} } = answer as Partial<ProblemAnswer>;
  return PROBLEM in content;
}

/** Our choices are of texts, all of them. The checks do without the type: what fails them names the choices then. */
function typed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(typed);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, typed(member)]));
  return Array.isArray(members.enum) ? { type: 'string', ...members } : members;
}

export function swaggerOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Signalbox',
        version,
        description:
          'Fleet, last-known state, commands, desired state, keys and the audit. Times are Unix milliseconds. Errors are application/problem+json (RFC 9457). A key sees its own customer; what belongs to others is not found.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: API_ROOT, description: 'The broker that this document is from.' }],
      tags: TAGS.map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: `A ${rolesInWords('read')} key.` },
          header: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The same key.' },
          cookie: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE, description: 'From POST /session.' },
        },
      },
      security: [{ bearer: [] }, { header: [] }, { cookie: [] }],
    },
    transformObject: (given) => ('openapiObject' in given ? forGenerators(given.openapiObject) : {}),
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) => String(schema.$id ?? `schema${index}`),
    },
  };
}
