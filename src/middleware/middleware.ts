/**
 * The engine inside an application: a function for node:http and Express, a plugin for Fastify. What is refused is
 * answered here and never reaches the application; until the engine runs, everything is refused.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { Dialect } from '../core/dialect.ts';
import type { RoutingOptions } from '../core/path-table.ts';
import type { Pipeline } from '../edge/pipeline.ts';
import { isClosing } from '../http/socket-close.ts';
import { AppExchange, type AppRequest, type Continuation, targetOf } from './app-exchange.ts';
import type { Permission } from './caller.ts';
import { laxFastify, refuseLaxExpress } from './router-compat.ts';

export interface MiddlewareParts {
  /** null: not running. */
  readonly pipeline: () => Pipeline | null;
  readonly dialect: () => Dialect;
  /** How paths are compared. */
  readonly routing: () => RoutingOptions;
  readonly nextRequestId: () => string;
  readonly onBug: (error: unknown) => void;
}

/**
 * Calls `next`, without an argument, only for what is allowed; answers everything else itself. Throws SetupError while an
 * Express application compares paths in another way than the configuration does.
 */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

declare module 'node:http' {
  interface IncomingMessage {
    /** Who is calling, by scopegate; there behind its middleware. */
    scopegate?: Permission;
  }
}
declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling, by scopegate; there behind its plugin. */
    readonly scopegate: Permission;
  }
}

export function createMiddleware(parts: MiddlewareParts): Middleware {
  return (request, response, next) => {
    refuseLaxExpress(request, parts.routing());
    guard(parts, request, response, { pass: next, answered: () => {} });
  };
}

export function createFastifyPlugin(parts: MiddlewareParts): FastifyPluginCallback {
  const plugin: FastifyPluginCallback = (app, _options, done) => {
    const lax = laxFastify(app.initialConfig, parts.routing());
    if (lax !== null) return done(lax);
    app.decorateRequest('scopegate', {
      getter(this: FastifyRequest): Permission {
        return this.raw.scopegate!;
      },
    });
    app.addHook('onRequest', (request, reply, next) => {
      guard(parts, request.raw, reply.raw, { pass: next, answered: () => reply.hijack() });
    });
    done();
  };
  // For the whole application, not only for what is registered within the plugin.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'scopegate',
  });
}

function guard(parts: MiddlewareParts, request: AppRequest, response: ServerResponse, next: Continuation): void {
  // Behind an answer that ended the connection.
  if (isClosing(request.socket)) return;
  const target = targetOf(request);
  const exchange = new AppExchange(request, response, target ?? '', next);
  try {
    const pipeline = parts.pipeline();
    if (pipeline === null) {
      const refusal = parts.dialect().render('store_unavailable', { requestId: parts.nextRequestId() });
      exchange.answer(refusal.status, refusal.headers, refusal.body);
    } else if (target === null)
      pipeline.refuseMalformed(exchange, exchange, 'the URL was rewritten before it was judged');
    else pipeline.handle(exchange, exchange);
  } catch (error) {
    exchange.breakOff();
    parts.onBug(error);
  }
}
