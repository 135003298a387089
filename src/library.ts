/**
 * scopegate inside your own program: `createGateway` starts and stops what `scopegate serve` runs, and guards the routes
 * of an application of yours. All that the package exports stands here; nothing else is meant to be imported.
 */
import { fileURLToPath } from 'node:url';
import type { FastifyPluginCallback } from 'fastify';
import type { Configuration } from './config/load/configuration.ts';
import { loadGateway } from './config/load/load-gateway.ts';
import type { GatewayFile } from './config/schema/gateway-schema.ts';
import { ConfigError } from './errors.ts';
import { type RunningGateway, startGateway } from './gateway/gateway.ts';
import { nextRequestId } from './http/request-id.ts';
import { type Decision, type DescribedRequest, decideRequest } from './middleware/decide-request.ts';
import { createFastifyPlugin, createMiddleware, type Middleware } from './middleware/middleware.ts';
import { createLog } from './observe/log.ts';
import { packageFile } from './package-files.ts';

export { ConfigError, type Problem, SetupError } from './errors.ts';
export type { Caller, Permission } from './middleware/caller.ts';
export type { Decision, DescribedRequest } from './middleware/decide-request.ts';
export type { Middleware } from './middleware/middleware.ts';

type Loose<T> =
  T extends ReadonlyArray<infer Entry>
    ? ReadonlyArray<Loose<Entry>>
    : T extends object
      ? { readonly [Key in keyof T]?: Loose<T[Key]> }
      : T;

/**
 * What stands in gateway.yaml, as an object; see docs/settings.md. `policy` and `routes` are required. Without
 * `upstreams`, and without an `upstream` in the routes, it only decides.
 */
export type GatewaySettings = Loose<GatewayFile>;

export interface GatewayOptions {
  /** What relative paths in settings given as an object count from. Absent: the working directory. */
  readonly folder?: string;
  /** For `${NAME}` in the settings, and SCOPEGATE_ADMIN_KEY. Absent: the environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Which ports to open, both unless told otherwise. The decision listener opens where the settings have one. */
  readonly listeners?: { readonly gateway?: boolean; readonly admin?: boolean };
  /** Where the log goes, one JSON line each. Absent: standard output. `log.level: silent` has none. */
  readonly log?: { write(line: string): void };
}

export interface Addresses {
  /** Base URLs; null: not opened. */
  readonly gateway: string | null;
  readonly admin: string | null;
  readonly decision: string | null;
  readonly adminKey: string;
  /** The file or variable that it came from. */
  readonly adminKeyFrom: string;
}

export interface Gateway extends AsyncDisposable {
  /** Legal settings that are worth a look. */
  readonly warnings: readonly string[];
  /** For node:http and Express. Refuses everything (503) while the gateway does not run. */
  readonly middleware: Middleware;
  /** For Fastify 5: `await app.register(gateway.fastify)`, before what it guards. */
  readonly fastify: FastifyPluginCallback;
  /** The same decision without an answer. Rejects while the gateway does not run. */
  decide(request: DescribedRequest): Promise<Decision>;
  /** Rejects with SetupError (port, folder, file) and leaves nothing open then. */
  start(): Promise<Addresses>;
  /** Lets requests in progress finish, then closes everything. */
  stop(): Promise<void>;
}

/** `settings`: the path of a gateway.yaml, or its contents. Throws ConfigError with every problem; opens nothing yet. */
export function createGateway(settings: string | GatewaySettings, options: GatewayOptions = {}): Gateway {
  const { env = process.env, listeners = {} } = options;
  const configuration = load(settings, options.folder ?? process.cwd(), env);
  const log = createLog(configuration.file.log.level, options.log);
  let running: RunningGateway | null = null;
  let starting: Promise<Addresses> | null = null;

  const start = async (): Promise<Addresses> => {
    if (configuration.testFiles.length > 0) {
      const { requireTests } = await import('./policy-tests/required-tests.ts');
      await requireTests(configuration, env);
    }
    running = await startGateway({
      configuration,
      env,
      log,
      only: listeners.admin === false ? 'gateway' : null,
      gatewayListener: listeners.gateway !== false,
    });
    return {
      gateway: running.gatewayUrl,
      admin: running.adminUrl,
      decision: running.decisionUrl,
      adminKey: running.adminKey,
      adminKeyFrom: running.adminKeySource,
    };
  };
  const stop = async (): Promise<void> => {
    await starting?.catch(() => {});
    const stopping = running;
    running = null;
    starting = null;
    await stopping?.stop();
  };
  const parts = {
    pipeline: () => running?.pipeline ?? null,
    dialect: () => configuration.policy.dialect,
    routing: () => running?.routing() ?? configuration.file.routing,
    nextRequestId: () => nextRequestId(Date.now()),
    onBug: (error: unknown) => log.error({ err: error }, 'middleware: unexpected error'),
  };
  return {
    warnings: configuration.warnings,
    middleware: createMiddleware(parts),
    fastify: createFastifyPlugin(parts),
    decide: async (request) => {
      const pipeline = parts.pipeline();
      if (pipeline === null) throw new Error('the gateway does not run: await start() first');
      return await decideRequest(pipeline, request);
    },
    start: () => {
      starting ??= start().catch((error) => {
        starting = null;
        throw error;
      });
      return starting;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The path of a policy that comes with scopegate, for `policy`: `default`, or one that stands in for another system */
export function shippedPolicy(name: string): string {
  return fileURLToPath(packageFile(`policies/${name}.yaml`));
}

function load(
  settings: string | GatewaySettings,
  folder: string,
  env: NonNullable<GatewayOptions['env']>,
): Configuration {
  if (typeof settings === 'string') return loadGateway(settings, env, { embedded: true });
  const text = JSON.stringify(settings, null, 2);
  try {
    return loadGateway('createGateway', env, { embedded: true, contents: { text, folder } });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // A position says little about an object; the line of it that the position is in says more.
    const lines = text.split('\n');
    throw new ConfigError(
      error.problems.map((problem) =>
        problem.file === 'createGateway'
          ? { ...problem, message: `${problem.message}, at ${lines[problem.line - 1]!.trim()}` }
          : problem,
      ),
    );
  }
}
