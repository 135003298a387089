/**
 * Speaks to a running sidecar over HTTP with the admin key, once it has said whose sidecar it is. Only sends and reads:
 * what is asked, and what to make of the answer, is the command's affair. The key is never printed.
 */
import { realpathSync } from 'node:fs';
import { type Call, type Sidecar, type SidecarAnswer, SidecarRefusal } from '../directory/sidecar.ts';
import { SetupError } from '../errors.ts';
import type { NamedGateway } from './named-gateway.ts';
import { exchange, type SidecarPlace, sidecarPlace } from './sidecar-address.ts';

/** Any call of the API. */
export interface ApiCall {
  readonly method: Call['method'];
  /** From `/v1` on, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** How long the answer may be kept back. */
  readonly waitMs?: number;
}

export interface AdminClient extends Sidecar {
  /** Which gateway this is, for people. Rejects with SetupError where it is another than the one that was named. */
  identify(): Promise<string>;
  /** The parsed answer. Rejects with SidecarRefusal, or with SetupError when the sidecar cannot be asked at all. */
  send(asked: ApiCall): Promise<SidecarAnswer>;
}

/** `actor`: the member on whose behalf; null: the admin key's own. Opens nothing yet. Throws SetupError for an address that is no http(s) URL. */
export function adminClient(named: NamedGateway, actor: string | null = null): AdminClient {
  const { path: expected, adminKey } = named;
  const place = sidecarPlace(named);
  const stranger = `what answers at ${place.root} is no scopegate sidecar; --url names another address`;
  let identified: Promise<string> | undefined;
  const identify = () => {
    identified ??= identity(place, expected, stranger);
    return identified;
  };
  const headers = {
    authorization: `Bearer ${adminKey.key}`,
    ...(actor === null ? {} : { 'scopegate-actor': actor }),
  };
  const send = async ({ method, path, query, body, waitMs = 0 }: ApiCall): Promise<SidecarAnswer> => {
    // The key is for the gateway that was named, and for no other.
    await identify();
    const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
    const { status, text } = await exchange(place, { method, path: path + search, headers, body, waitMs });
    const answer = parsed(text);
    if (status === 401 && answer?.code === 'credential_unknown')
      throw new SetupError(`the sidecar at ${place.root} does not accept the admin key from ${adminKey.source}`);
    if (status >= 200 && status < 300 && answer !== null) return answer;
    throw new SidecarRefusal(
      status,
      textOr(answer?.code, 'unknown'),
      textOr(answer?.detail, `${method} ${path} was answered ${status} without a detail`),
    );
  };
  return {
    identify,
    send,
    call: ({ method, collection = 'organizations', path, query, body }) =>
      send({
        method,
        path: `/v1/${collection}${path.map((part) => `/${encodeURIComponent(part)}`).join('')}`,
        ...(query === undefined ? {} : { query }),
        body,
      }),
    policy: async () => {
      const answer = await send({ method: 'GET', path: '/v1/policy' }).catch((error: unknown) => {
        throw error instanceof SidecarRefusal && error.code === 'unknown' ? new SetupError(stranger) : error;
      });
      const { organizationRoles, scopes, actions } = answer;
      if (![organizationRoles, scopes, actions].every(Array.isArray)) throw new SetupError(stranger);
      return {
        organizationRoles: organizationRoles as string[],
        scopes: namesOf(scopes),
        actions: namesOf(actions),
      };
    },
  };
}

/** By what a sidecar tells anybody, ready or not. `expected`: the configuration that it must run; null: any. */
async function identity(place: SidecarPlace, expected: string | null, stranger: string): Promise<string> {
  const { root } = place;
  const { text } = await exchange(place, { method: 'GET', path: '/readyz' });
  const answer = parsed(text);
  if (answer?.code === 'https_only') throw new SetupError(`the sidecar at ${root} speaks HTTPS: --url https://…`);
  const path = (answer?.configuration as SidecarAnswer | undefined)?.path;
  if (typeof path !== 'string') throw new SetupError(stranger);
  if (expected === null || realPath(expected) === realPath(path))
    return `the gateway that runs ${path} (sidecar ${root})`;
  throw new SetupError(
    `the sidecar at ${root} belongs to another gateway, which runs ${path} and not ${expected}; nothing was changed. ` +
      'Start the one that you mean, or name this one with --url',
  );
}

/** Of a path on another machine, or in a container, the path itself. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function namesOf(entries: unknown): string[] {
  return (entries as Array<{ readonly name: string }>).map(({ name }) => name);
}

function parsed(text: string): SidecarAnswer | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SidecarAnswer) : null;
  } catch {
    return null;
  }
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
