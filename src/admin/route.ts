/**
 * One operation of the sidecar, said once: what it takes, what it answers, how it may refuse, and what carries it out.
 * Validation, types, serialization and the description in /openapi.json all come from here. Holds no rule of management.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Static, TObject, TSchema } from 'typebox';
import type { Actor } from '../manage/actor.ts';
import type { ManageContext } from '../manage/context.ts';
import type { RejectionCodeOf } from '../manage/rejection.ts';
import { NoBody, NoParams, NoQuery } from './schemas.ts';
import type { Visit } from './visit.ts';

/** A value that nobody changes any more: what views make of stored records. */
type ReadOnly<T> = unknown extends T
  ? T
  : T extends ReadonlyArray<infer Item>
    ? ReadonlyArray<ReadOnly<Item>>
    : T extends object
      ? { readonly [Key in keyof T]: ReadOnly<T[Key]> }
      : T;

/** A value of this shape. */
export type Shaped<Schema extends TSchema> = ReadOnly<Static<Schema>>;

/** One call, after its parts have been found to have their shapes. */
export interface RouteCall<Params extends TSchema, Query extends TSchema, Body extends TSchema> {
  /** On behalf of the caller, under one policy from beginning to end. */
  readonly manage: ManageContext;
  readonly params: Static<Params>;
  readonly query: Static<Query>;
  readonly body: Static<Body>;
  readonly visit: Visit;
  /** null: nobody known, where strangers are answered, too. */
  readonly actor: Actor | null;
  /** Whose signature the body has; null: none was asked for. */
  readonly signedBy: string | null;
}

/** The answer of an operation that made something: 201, not 200. */
export class Created<T> {
  readonly value: T;

  constructor(value: T) {
    this.value = value;
  }
}

/** Of a PUT: 201 where it made what it answers with. */
export function put<T>(created: boolean, value: T): T | Created<T> {
  return created ? new Created(value) : value;
}

/** An answer that has not the operation's shape: `readyz` of a gateway that is not ready, a text. */
export class OtherAnswer {
  readonly status: number;
  readonly value: string | object;
  readonly contentType: string;

  constructor(status: number, value: string | object, contentType = 'application/json; charset=utf-8') {
    this.status = status;
    this.value = value;
    this.contentType = contentType;
  }
}

/** An answer with headers of its own. */
export class WithHeaders<T> {
  readonly headers: Readonly<Record<string, string>>;
  readonly answer: T;

  constructor(headers: Readonly<Record<string, string>>, answer: T) {
    this.headers = headers;
    this.answer = answer;
  }
}

type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

/**
 * Codes by HTTP status, beside those that come with the method, the path and the body (see error-answers.ts).
 * A status that stands here says something that only this operation can say.
 */
export interface OwnErrors {
  readonly 400?: ReadonlyArray<RejectionCodeOf<'malformed'>>;
  readonly 401?: readonly ['credential_unknown'];
  readonly 403?: ReadonlyArray<RejectionCodeOf<'forbidden'>>;
  readonly 404?: ReadonlyArray<RejectionCodeOf<'not_found'>>;
  readonly 409?: ReadonlyArray<RejectionCodeOf<'conflict'>>;
  readonly 422?: ReadonlyArray<RejectionCodeOf<'unacceptable'> | 'configuration_invalid'>;
  readonly 429?: readonly ['too_many_failures'];
}

/** Throws for whoever has not. What it returns answers with who has. */
export type Signed = (headers: IncomingHttpHeaders, visit: Visit) => (text: string) => Promise<string>;

interface About {
  /** The operation's name in generated clients: it never changes. */
  readonly id: string;
  readonly method: Method;
  /** As the router reads it: `/v1/organizations/:org`. */
  readonly path: string;
  readonly tag: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** What the summary leaves out: who may, what it takes along. */
  readonly description?: string;
  readonly errors?: OwnErrors;
  /** Answers without a credential, whatever the query. */
  readonly open?: boolean;
  /** Answers strangers, too, and knows callers. */
  readonly anybody?: boolean;
  /** Is told a token on purpose, and keeps no text. */
  readonly takesToken?: boolean;
  /** A question, whatever its method: that it was refused is no news. */
  readonly changesNothing?: boolean;
  /** Judges who has signed the body: by the headers before it is read, then by its text before it is parsed. */
  readonly signed?: Signed;
  /** Its answer may take longer than a connection may be silent. */
  readonly takesLong?: boolean;
  readonly bodyBytesMax?: number;
  /** What the answer is written in; absent: JSON. */
  readonly mediaType?: string;
}

interface Operation<Params extends TObject, Query extends TObject, Body extends TSchema, Answer extends TSchema>
  extends About {
  /** What `path` names; absent: nothing. */
  readonly params?: Params;
  /** Absent: none is taken. */
  readonly query?: Query;
  /** Absent: GET and DELETE take none, others an empty one. */
  readonly body?: Body;
  /** Of every success. What it does not name never leaves. */
  readonly answer: Answer;
  /** A call and its answer, for people. */
  readonly example: { readonly body?: Static<Body>; readonly answer: Shaped<Answer> };
  /** Rejects with Rejection, or with what the store throws. */
  run(call: RouteCall<Params, Query, Body>): Answered<Shaped<Answer>> | Promise<Answered<Shaped<Answer>>>;
}

type Plain<T> = T | Created<T> | OtherAnswer;
type Answered<T> = Plain<T> | WithHeaders<Plain<T>>;

/** An operation without the types of its parts, as the server and the description use it. */
export interface AdminRoute extends About {
  readonly params: TObject;
  readonly query: TObject;
  /** null: it takes none. */
  readonly body: TSchema | null;
  readonly answer: TSchema;
  readonly example: { readonly body?: unknown; readonly answer: unknown };
  readonly errors: OwnErrors;
  /** It answers with a revision, so that callers may wait for every gateway process to apply it. */
  readonly changes: boolean;
  run(call: UncheckedRouteCall): unknown;
}

/** The framework has validated it against the schemas of the same route. */
interface UncheckedRouteCall {
  readonly manage: ManageContext;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly visit: Visit;
  readonly actor: Actor | null;
  readonly signedBy: string | null;
}

const BODILESS: ReadonlySet<Method> = new Set(['GET', 'DELETE']);

/** The compiler holds `run` and `example` to the schemas beside them. */
export function route<
  Answer extends TSchema,
  Params extends TObject = typeof NoParams,
  Query extends TObject = typeof NoQuery,
  Body extends TSchema = typeof NoBody,
>(operation: Operation<Params, Query, Body, Answer>): AdminRoute {
  const { method, params = NoParams, query = NoQuery, body, answer, errors = {} } = operation;
  const changes = method !== 'GET' && 'revision' in ((answer as Partial<TObject>).properties ?? {});
  return {
    ...operation,
    ...{ params, query, answer, errors, changes },
    body: body ?? (BODILESS.has(method) ? null : NoBody),
  };
}
