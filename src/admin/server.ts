/**
 * The sidecar: token management over HTTP, on its own port with its own credential. Parses and renders; every rule
 * lives in manage/. Never on the request path.
 */
import type { Server as TlsServer } from 'node:tls';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import type { TokenHash } from '../core/facts.ts';
import type { TokenPattern } from '../core/imported-token.ts';
import type { AuthFailureThrottle } from '../edge/throttles/auth-failure-throttle.ts';
import { Bug, SetupError } from '../errors.ts';
import { Connections } from '../http/connections.ts';
import type { DrainTimes } from '../http/listener.ts';
import { isBusy } from '../http/node-http/connection-state.ts';
import { nextRequestId } from '../http/request-id.ts';
import { isClosing } from '../http/socket-close.ts';
import { contextOptions, type KeyPair, serverOptions, type TlsOptions } from '../http/tls.ts';
import type { ManageContext } from '../manage/context.ts';
import type { RefusedAttempts } from '../manage/refused-attempts.ts';
import { Rejection } from '../manage/rejection.ts';
import type { TokenDoc } from '../manage/unit-of-work/records.ts';
import type { Clock } from '../observe/clock.ts';
import { Slices } from '../slices.ts';
import { DamagedRecord, OutcomeUnknown, StoreFull, StoreUnavailable } from '../store/store.ts';
import { accountRoutes } from './account-routes.ts';
import { isAllowedHost } from './allowed-hosts.ts';
import { refuseBody, refuseHeaders } from './ambiguity.ts';
import { attemptOf } from './attempt.ts';
import { auditRoutes } from './audit-routes.ts';
import { readBodies } from './bodies.ts';
import { readCaller } from './caller.ts';
import { type ConsoleAnswer, ConsoleFiles } from './console-files.ts';
import { directoryRoutes } from './directory-routes.ts';
import { enterpriseRoutes } from './enterprise-routes.ts';
import { STATUS_OF_KIND } from './error-answers.ts';
import { explainRoute } from './explain-routes.ts';
import type { Explainer } from './explainer.ts';
import { grantableRoute } from './grantable-routes.ts';
import { iamPolicyRoutes } from './iam-policy-routes.ts';
import { importRoute } from './import-routes.ts';
import { judgeOf } from './judge-shape.ts';
import { type LeakParts, leakRoute } from './leak-routes.ts';
import { listRoutes } from './list-routes.ts';
import { MethodsByPath } from './methods-by-path.ts';
import { mount } from './mount.ts';
import { nameRoute } from './name-routes.ts';
import { describeApi } from './openapi.ts';
import { type Operations, operationRoutes } from './operation-routes.ts';
import { type CountRefusals, overviewRoute } from './overview-routes.ts';
import { problemOf, refuseHandshakes, refuseUnparsed, TooManyFailures } from './problem.ts';
import { reachRoutes } from './reach-routes.ts';
import type { Receipts } from './receipts.ts';
import { refusalsRoute } from './refusal-routes.ts';
import type { AdminRoute } from './route.ts';
import { type RouteBook, routeTableRoute } from './route-table-routes.ts';
import { type SessionParts, sessionRoutes } from './session-routes.ts';
import { Sessions } from './sessions.ts';
import { tokenRoutes } from './token-routes.ts';
import { trafficRoute } from './traffic-routes.ts';
import { ShapeRefused } from './validation-error.ts';
import { visitOf } from './visit.ts';
import { whoCanRoute } from './who-can-routes.ts';
import { workspaceRoutes } from './workspace-routes.ts';
import { writerOf } from './write-shape.ts';

type SidecarTls = Pick<TlsOptions, 'keyPair' | 'minVersion'>;

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  /** null: plain HTTP. */
  readonly tls: SidecarTls | null;
  /** Names of its own, beside those that are known without being told; asked anew at each call. */
  readonly allowedHosts?: () => readonly string[];
  /** Proxies that are believed when they say where a call comes from. */
  readonly isTrustedProxy: (address: string) => boolean;
  readonly keys: readonly string[];
  /** Of attempts to sign in to the console. */
  readonly guesses: AuthFailureThrottle;
  /** For sessions. */
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  /** Without an actor: who that is, every request says itself. */
  readonly manage: Omit<ManageContext, 'actor'>;
  /** Forms of tokens that may be imported. */
  readonly patterns: () => readonly TokenPattern[];
  /** Reports of leaked tokens that are believed, and what follows. */
  readonly leaks: LeakParts['leaks'];
  readonly onLeak: LeakParts['onLeak'];
  /** A managing token was presented, and is one. */
  readonly onTokenUsed: (token: TokenDoc, hash: TokenHash, nowMs: number) => void;
  readonly operations: Operations;
  readonly explainer: Explainer;
  readonly routes: RouteBook;
  readonly countRefusals: CountRefusals;
  readonly refused: RefusedAttempts;
  readonly receipts: Receipts;
  readonly version: string;
  readonly onError: (error: unknown) => void;
}

const MISSING = [
  'credential_missing',
  'This call needs the admin key, or a managing token, as a bearer token.',
] as const;
const UNKNOWN = [
  'credential_unknown',
  'This credential is neither the admin key nor a managing token that may be used.',
] as const;
const ENDED = ['session_ended', 'The session has ended, or what it was opened with. Sign in again.'] as const;
const NO_ROOM =
  'The store has no room for anything new; nothing was changed. Revocations and deletions are still made; its operator has to make room.';
const HOST_NOT_ALLOWED =
  'The sidecar does not answer under this name. Use its address, or add the name to admin.allowedHosts.';
const HEADERS_MS = 10_000;
const REQUEST_MS = 15_000;
const SILENCE_MS = 60_000;

export interface RunningAdmin {
  readonly url: string;
  /** For connections to come. Over HTTPS alone. */
  useKeyPair(keyPair: KeyPair): void;
  /** Goes on accepting, but every answer is the last on its connection. */
  windDown(): void;
  /** Stops accepting and lets calls in progress finish. */
  drain(times: DrainTimes): Promise<void>;
}

/** Resolves once it listens. Rejects with SetupError when the port cannot be had. */
export async function startAdmin(options: AdminOptions): Promise<RunningAdmin> {
  const app = await buildAdmin(options);
  const connections = new Connections(app.server, isBusy);
  app.server.on(options.tls === null ? 'connection' : 'secureConnection', (socket) => connections.add(socket));
  if (options.tls !== null) refuseHandshakes(app.server);
  let windingDown = false;
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (windingDown) reply.header('Connection', 'close');
    done();
  });
  try {
    const url = await app.listen({ host: options.host, port: options.port, exclusive: true });
    const windDown = () => {
      windingDown = true;
      connections.watch();
    };
    const drain = async (times: DrainTimes) => {
      windDown();
      await connections.drain(times);
      await app.close();
    };
    const useKeyPair = (keyPair: KeyPair) =>
      (app.server as unknown as TlsServer).setSecureContext(contextOptions({ ...options.tls!, keyPair }));
    return { url, useKeyPair, windDown, drain };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const place = `${options.host}:${options.port}`;
    throw new SetupError(
      code === 'EADDRINUSE'
        ? `admin: ${place} is already in use; stop the other program or set admin.port`
        : `admin: ${message}`,
      { cause: error },
    );
  }
}

/** The sidecar without its port. */
export async function buildAdmin(options: AdminOptions): Promise<FastifyInstance> {
  const app = bareFramework(options.tls);
  readBodies(app);
  const methods = new MethodsByPath();
  app.addHook('onRoute', ({ url, method }) => methods.add(url, method));
  const sessions = new Sessions(options.clock);
  recogniseCallers(app, options, sessions);
  const consoleFiles = new ConsoleFiles();
  const contextOf = (request: FastifyRequest): ManageContext => {
    if (request.actor === undefined) throw new Bug('an operation for nobody in particular asked who is calling');
    // One call, one policy: a reload in the middle of it is not for it.
    const policy = options.manage.policy();
    return { ...options.manage, policy: () => policy, actor: request.actor };
  };
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    if (error instanceof Rejection && request.actor !== undefined) {
      await options.refused.note(contextOf(request), attemptOf(request), error).catch(options.onError);
    }
    return answerError(options, error, request, reply);
  });
  app.setNotFoundHandler(async (request, reply) => {
    if (asksForPage(request)) return sendFile(reply, await consoleFiles.page(request.headers['accept-encoding']));
    const path = request.url.split('?', 1)[0]!;
    const allow = methods.of(path);
    if (allow.length === 0) return sendProblem(reply, 404, 'not_found', `There is no ${path}.`);
    reply.header('Allow', allow.join(', '));
    return sendProblem(reply, 405, 'method_not_allowed', `${path} takes ${allow.join(', ')}.`);
  });
  const routes = apiRoutes({ ...options, sessions });
  serveConsole(app, consoleFiles);
  mount(app, routes, contextOf, options.receipts);
  // Made for the first who asks: most gateways are never asked.
  let description: Promise<object> | null = null;
  app.get('/openapi.json', { config: { open: true } }, () => {
    description ??= new Slices().through(describeApi(routes, options.version));
    return description;
  });
  return app;
}

/** Of a person in a browser: pages have paths that the page knows itself, and the API's are never among them. */
function asksForPage({ method, url, headers, is404 }: FastifyRequest): boolean {
  const isOfPages = is404 && !/^\/(?:v1|assets)(?:[/?]|$)/.test(url);
  return isOfPages && (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html');
}

function serveConsole(app: FastifyInstance, files: ConsoleFiles): void {
  const config = { open: true };
  app.get('/', { config }, async (request, reply) =>
    sendFile(reply, await files.page(request.headers['accept-encoding'])),
  );
  app.get<{ Params: { name: string } }>('/assets/:name', { config }, async (request, reply) => {
    const file = await files.asset(request.params.name, request.headers['accept-encoding']);
    if (file !== null) return sendFile(reply, file);
    return sendProblem(
      reply,
      404,
      'not_found',
      'There is no such file; the page may be of an older version. Load it again.',
    );
  });
}

function sendFile(reply: FastifyReply, { status, headers, body }: ConsoleAnswer): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

/** All that the API has, without what serves them. */
export function apiRoutes(options: AdminOptions & SessionParts): readonly AdminRoute[] {
  const { patterns, operations, explainer, routes, countRefusals } = options;
  return [
    ...enterpriseRoutes,
    ...directoryRoutes,
    ...iamPolicyRoutes,
    ...workspaceRoutes,
    ...listRoutes,
    ...tokenRoutes,
    importRoute(patterns),
    leakRoute(options),
    ...accountRoutes,
    ...auditRoutes,
    explainRoute(explainer),
    refusalsRoute(explainer),
    whoCanRoute(explainer),
    ...reachRoutes(explainer),
    grantableRoute,
    nameRoute,
    routeTableRoute(routes),
    overviewRoute(countRefusals),
    trafficRoute(operations.traffic),
    ...operationRoutes(operations),
    ...sessionRoutes(options),
  ];
}

/** Fastify, with nothing of its own that answers or judges before we do. */
function bareFramework(tls: SidecarTls | null): FastifyInstance {
  // Judged by ambiguity.ts, so that the refusal is a problem like any other.
  const http = { requireHostHeader: false, headersTimeout: HEADERS_MS, connectionsCheckingInterval: 1000 };
  const app = fastify({
    routerOptions: { maxParamLength: 512 },
    genReqId: () => nextRequestId(Date.now()),
    bodyLimit: 1024 * 1024,
    // Bodies are small: for a whole request, and for each silence while its answer is made and read.
    requestTimeout: REQUEST_MS,
    connectionTimeout: SILENCE_MS,
    forceCloseConnections: 'idle',
    // In place of engines that write code for every schema, a third of a second at each start. Their types are asked for.
    schemaController: {
      compilersFactory: { buildValidator: () => judgePart as never, buildSerializer: () => writeAnswer as never },
    },
    clientErrorHandler: refuseUnparsed,
    ...(tls === null ? { http } : { https: { ...http, ...serverOptions({ ...tls, http2: false }, HEADERS_MS) } }),
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, 400, 'bad_request', error.message);
    },
  });
  // Node silently drops headers past this count: a dropped actor would leave the operator.
  app.server.maxHeadersCount = 0;
  return app;
}

/** Of one part of a call: refuses, never drops or coerces. */
function judgePart({ schema, httpPart }: { readonly schema: TSchema; readonly httpPart: string }) {
  const judge = judgeOf(schema);
  return (value: unknown) => {
    const mistakes = judge(value);
    return mistakes === null || { error: new ShapeRefused(mistakes, httpPart) };
  };
}

function writeAnswer({ schema }: { readonly schema: TSchema }) {
  return writerOf(schema);
}

/** Before anything else of a call is read: under which name we were called, and who calls. */
function recogniseCallers(app: FastifyInstance, options: AdminOptions, sessions: Sessions): void {
  app.decorateRequest('actor', undefined);
  const parts = { ...options, sessions };
  app.addHook('onRequest', async (request, reply) => {
    // Nobody would hear the answer, so nothing is done.
    if (isClosing(request.raw.socket)) return reply.hijack();
    // Answers hold secrets, or soon will be wrong.
    reply.header('Cache-Control', 'no-store').header('X-Request-Id', request.id);
    // Nor are they for pages of others, which a browser might send here with a session.
    reply.header('X-Content-Type-Options', 'nosniff').header('Cross-Origin-Resource-Policy', 'same-origin');
    const twofold = refuseHeaders(request.raw);
    if (twofold !== null) return sendProblem(reply, 400, twofold.code, twofold.detail, twofold.field);
    if (!isAllowedHost(request.raw.headers.host, options.host, options.allowedHosts?.() ?? []))
      return sendProblem(reply, 421, 'host_not_allowed', HOST_NOT_ALLOWED, 'Host');
    const { open, anybody } = request.routeOptions.config;
    if (open === true || asksForPage(request)) return;
    request.visit = visitOf(request, options.isTrustedProxy);
    const actor = await readCaller(parts, request.headers, request.visit);
    if (actor !== null) {
      request.actor = actor;
      if (actor.kind === 'token') options.onTokenUsed(actor.token, actor.hash, options.manage.nowMs());
      const body = refuseBody(request.raw);
      return body === null ? undefined : sendProblem(reply, 400, body.code, body.detail, body.field);
    }
    if (anybody === true) return;
    reply.header('WWW-Authenticate', 'Bearer realm="scopegate-admin"');
    const { authorization } = request.headers;
    const [code, detail] = authorization ? UNKNOWN : request.visit.sessionId === null ? MISSING : ENDED;
    return sendProblem(reply, 401, code, detail);
  });
}

/** What the framework refuses by itself, under names of our own. */
const FRAMEWORK_CODES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
};

function answerError(
  options: AdminOptions,
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof Rejection) {
    const { kind, code, detail, field } = error.details;
    return sendProblem(reply, STATUS_OF_KIND[kind], code, detail, field);
  }
  if (error instanceof TooManyFailures) {
    reply.header('Retry-After', String(error.retryAfterSeconds));
    return sendProblem(reply, 429, 'too_many_failures', error.message);
  }
  if (error instanceof OutcomeUnknown) {
    const detail = 'The store was lost before it confirmed the change: it may have been made. Read, then decide.';
    return sendProblem(reply, 503, 'outcome_unknown', detail);
  }
  if (error instanceof StoreFull) return sendProblem(reply, 507, 'store_full', NO_ROOM);
  if (error instanceof StoreUnavailable) {
    // A store that is away says so itself; of one record nobody else would.
    if (error instanceof DamagedRecord) options.onError(error);
    reply.header('Retry-After', '1');
    const unchanged = request.method === 'GET' || request.method === 'HEAD' ? '' : '; nothing was changed';
    return sendProblem(reply, 503, 'store_unavailable', `The store could not be asked${unchanged}.`);
  }
  if (error instanceof ShapeRefused) return sendProblem(reply, 400, error.code, error.message, error.field);
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return sendProblem(reply, error.statusCode, FRAMEWORK_CODES[error.code] ?? 'bad_request', error.message);
  }
  options.onError(Object.assign(error, { route: request.routeOptions.url, requestId: request.id }));
  return sendProblem(reply, 500, 'internal', 'This is a fault of the gateway; nothing is known to have changed.');
}

function sendProblem(reply: FastifyReply, status: number, code: string, detail: string, field?: string): FastifyReply {
  return reply
    .code(status)
    .header('Content-Type', 'application/problem+json')
    .header('Cache-Control', 'no-store')
    .serializer(JSON.stringify)
    .send(problemOf(status, code, detail, field));
}
