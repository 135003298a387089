/**
 * The API's own description (OpenAPI 3.1), made from the routes: what is served is what is described. Shapes that have a
 * title are named parts, so that generators of clients give them one type each. Describes; answers nothing.
 */
import { STATUS_CODES } from 'node:http';
import type { TObject, TSchema } from 'typebox';
import { Bug } from '../errors.ts';
import { Type } from '../schema-type.ts';
import { errorsOf } from './error-answers.ts';
import { querySchema, RECEIPT_FIELDS } from './receipts.ts';
import type { AdminRoute } from './route.ts';
import { SESSION_COOKIE } from './session-cookie.ts';

type Json = Record<string, unknown>;

const ReceiptShape = Type.Object(RECEIPT_FIELDS, {
  title: 'Receipt',
  description: 'with wait: how far the change has got',
});
const ProblemShape = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'stable; what a program should look at' }),
    detail: Type.String(),
    field: Type.Optional(Type.String({ description: 'which part of the call is meant' })),
  },
  { title: 'Problem', description: 'a refusal (RFC 9457)' },
);

/** `session`: of the console in a browser, for pages of the sidecar alone. Behind HTTPS its name begins with __Host-. */
const SECURITY = {
  adminKey: { type: 'http', scheme: 'bearer' },
  session: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE },
};
const CALLERS = [{ adminKey: [] }, { session: [] }];

/** `/openapi.json` of these routes, a step for each. */
export function* describeApi(routes: readonly AdminRoute[], version: string): Generator<void, object> {
  const parts = new NamedParts();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = describeOperation(route, parts);
    yield;
  }
  return {
    openapi: '3.1.0',
    info: { title: 'scopegate sidecar', version, description: 'Organizations, members, workspaces and their tokens.' },
    components: { securitySchemes: SECURITY, ...parts.found },
    paths,
    security: CALLERS,
  };
}

function describeOperation(route: AdminRoute, parts: NamedParts): Json {
  const { id, tag, summary, description, open, anybody, body, answer, example, mediaType = 'application/json' } = route;
  const shape = parts.shape(answer);
  const schema = route.changes ? { allOf: [shape, parts.shape(ReceiptShape)] } : shape;
  const refusals = Array.from(errorsOf(route), ([status, codes]) => [status, parts.refusal(status, codes)] as const);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(open ? { security: [] } : anybody ? { security: [{}, ...CALLERS] } : {}),
    parameters: [
      ...parameters(route.params, 'path', parts),
      ...(open ? [] : parameters(querySchema(route), 'query', parts)),
    ],
    ...(body === null ? {} : { requestBody: requestBody(body, example.body, parts) }),
    responses: {
      '2XX': { description: 'It is done', content: { [mediaType]: { schema, example: example.answer } } },
      ...Object.fromEntries(refusals),
      default: {
        description: 'Any other refusal: of what no request could be made of, or of a path or method that is not here',
        content: { 'application/problem+json': { schema: parts.shape(ProblemShape) } },
      },
    },
  };
}

function parameters({ properties, required }: TObject, place: 'path' | 'query', parts: NamedParts): Json[] {
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = parts.shape(property);
    const about = description === undefined ? {} : { description };
    return {
      name,
      in: place,
      required: (required as readonly string[] | undefined)?.includes(name) ?? false,
      ...about,
      schema,
    };
  });
}

/** `null` says that none need be sent. */
function requestBody(body: TSchema, example: unknown, parts: NamedParts): Json {
  const choices = (body as { anyOf?: ReadonlyArray<{ type?: string }> }).anyOf ?? [];
  return {
    required: !choices.some(({ type }) => type === 'null'),
    content: { 'application/json': { schema: parts.shape(body), ...(example === undefined ? {} : { example }) } },
  };
}

/** Collects what has a name while the operations are described, so that nothing stands there unused. */
class NamedParts {
  readonly #schemas = new Map<string, Json>();
  readonly #responses = new Map<string, Json>();

  get found(): Json {
    return { schemas: Object.fromEntries(this.#schemas), responses: Object.fromEntries(this.#responses) };
  }

  /** A reference where the shape has a title, and the shape itself where it has none. */
  shape(schema: TSchema): Json {
    return this.#described(schema) as Json;
  }

  #described(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#described(item));
    if (typeof value !== 'object' || value === null) return value;
    const { title, ...rest } = value as Json;
    const fields = Object.entries(rest).map(([key, inner]) =>
      // An enumeration of one is what every generator knows.
      key === 'const' ? (['enum', [inner]] as const) : ([key, this.#described(inner)] as const),
    );
    const described = Object.fromEntries(fields);
    if (typeof title !== 'string')
      return { ...(title === undefined ? {} : { title: this.#described(title) }), ...described };
    return this.#named('schemas', this.#schemas, title, described);
  }

  /** `codes`: what may stand in `code`. */
  refusal(status: number, codes: readonly string[]): Json {
    const code = { type: 'object', properties: { code: { enum: codes } } };
    const schema = { allOf: [this.shape(ProblemShape), code] };
    const refusal = {
      description: `${STATUS_CODES[status]}: ${codes.join(', ')}`,
      content: { 'application/problem+json': { schema } },
    };
    // Most are alike wherever they stand; longer lists are those of one operation.
    if (codes.length > 3) return refusal;
    return this.#named('responses', this.#responses, [status, ...codes].join('_'), refusal);
  }

  #named(kind: string, known: Map<string, Json>, name: string, part: Json): Json {
    const before = known.get(name);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(part))
      throw new Bug(`two ${kind} in /openapi.json have the name ${name}`);
    known.set(name, part);
    return { $ref: `#/components/${kind}/${name}` };
  }
}
