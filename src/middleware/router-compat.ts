/**
 * Sees to it that the application routes as was judged: a router that takes `/ADMIN` or `/admin/` for `/admin`, behind a
 * configuration that does not, would serve what another route allowed. Knows the router of the application only, not
 * routers mounted in it.
 */
import type { IncomingMessage } from 'node:http';
import type { RoutingOptions } from '../core/path-table.ts';
import { SetupError } from '../errors.ts';

interface ExpressRouter {
  readonly caseSensitive?: boolean;
  readonly strict?: boolean;
}
/** Express 5 has `router`, 4 `_router` (whose `router` throws). */
type ExpressRequest = IncomingMessage & {
  readonly app?: { readonly _router?: ExpressRouter; readonly router?: ExpressRouter };
};

/** Throws SetupError; Express answers it with 500, on every request until it is mended. */
export function refuseLaxExpress(request: ExpressRequest, routing: RoutingOptions): void {
  const { app } = request;
  if (app === undefined) return;
  const router = app._router ?? app.router;
  if (router === undefined) return;
  if (routing.caseSensitive && router.caseSensitive !== true)
    throw new SetupError(
      "middleware: this Express application takes /ADMIN for /admin, the configuration does not. Say app.enable('case sensitive routing') before anything else, or routing: { caseSensitive: false }",
    );
  if (!routing.ignoreTrailingSlash && router.strict !== true)
    throw new SetupError(
      "middleware: this Express application takes /admin/ for /admin, the configuration does not. Say app.enable('strict routing') before anything else, or routing: { ignoreTrailingSlash: true }",
    );
}

interface FastifyRouting {
  readonly caseSensitive?: boolean;
  readonly ignoreTrailingSlash?: boolean;
}

/** Why the application must not start, or null. */
export function laxFastify(
  config: FastifyRouting & { readonly routerOptions?: FastifyRouting },
  routing: RoutingOptions,
): SetupError | null {
  const options = { ...config, ...config.routerOptions };
  if (routing.caseSensitive && options.caseSensitive === false)
    return new SetupError(
      'middleware: this Fastify application takes /ADMIN for /admin, the configuration does not. Leave out its caseSensitive: false, or say routing: { caseSensitive: false }',
    );
  if (!routing.ignoreTrailingSlash && options.ignoreTrailingSlash === true)
    return new SetupError(
      'middleware: this Fastify application takes /admin/ for /admin, the configuration does not. Leave out its ignoreTrailingSlash, or say routing: { ignoreTrailingSlash: true }',
    );
  return null;
}
