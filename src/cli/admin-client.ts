/**
 * Speaks to a running sidecar over HTTP with the admin key, once it has said whose sidecar it is. Only sends and reads:
 * what is asked, and what to make of the answer, is the command's affair. The key is never printed.
 */
import { realpathSync } from 'node:fs';
import { Agent, request } from 'undici';
import { systemAuthorities } from '../authorities.ts';
import { type Call, type Sidecar, type SidecarAnswer, SidecarRefusal } from '../directory/sidecar.ts';
import { SetupError } from '../errors.ts';
import type { NamedGateway } from './named-gateway.ts';

export interface AdminClient extends Sidecar {
  /** Which gateway this is, for people. Rejects with SetupError where it is another than the one that was named. */
  identify(): Promise<string>;
}

const TIMEOUT_MS = 60_000;

/** Opens nothing yet. Throws SetupError for an address that is no http(s) URL. */
export function adminClient({ url, path: expected, adminKey: { key, source } }: NamedGateway): AdminClient {
  const place = placeOf(url);
  const { root } = place;
  const stranger = `what answers at ${root} is no scopegate sidecar; --url names another address`;
  let identified: Promise<string> | undefined;
  const identify = () => {
    identified ??= identity(place, expected, stranger);
    return identified;
  };
  const send = async (method: Call['method'], path: string, body?: SidecarAnswer): Promise<SidecarAnswer> => {
    // The key is for the gateway that was named, and for no other.
    await identify();
    const { status, text } = await exchange(place, { method, path, key, body });
    const answer = parsed(text);
    if (status === 401 && answer?.code === 'credential_unknown')
      throw new SetupError(`the sidecar at ${root} does not accept the admin key from ${source}`);
    if (status >= 200 && status < 300 && answer !== null) return answer;
    throw new SidecarRefusal(
      status,
      textOr(answer?.code, 'unknown'),
      textOr(answer?.detail, `${method} ${path} was answered ${status} without a detail`),
    );
  };
  return {
    identify,
    call: ({ method, path, query, body }) => {
      const below = path.map((part) => `/${encodeURIComponent(part)}`).join('');
      const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
      return send(method, `/v1/organizations${below}${search}`, body);
    },
    policy: async () => {
      const answer = await send('GET', '/v1/policy').catch((error: unknown) => {
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

/** Where a sidecar is, and how its certificate is judged. */
interface Place {
  readonly root: string;
  readonly secured: { readonly dispatcher?: Agent };
}

function placeOf(url: string): Place {
  const base = URL.canParse(url) ? new URL(url) : null;
  if (base === null || !/^https?:$/.test(base.protocol) || base.username !== '' || base.search !== '') {
    throw new SetupError(
      `--url takes the sidecar's address, such as http://127.0.0.1:8081, not ${JSON.stringify(url)}`,
    );
  }
  const secured =
    base.protocol === 'https:' ? { dispatcher: new Agent({ connect: { ca: [...systemAuthorities()] } }) } : {};
  return { root: base.href.replace(/\/+$/, ''), secured };
}

/** By what a sidecar tells anybody, ready or not. `expected`: the configuration that it must run; null: any. */
async function identity(place: Place, expected: string | null, stranger: string): Promise<string> {
  const { root } = place;
  const { text } = await exchange(place, { method: 'GET', path: '/readyz', key: null, body: undefined });
  const path = (parsed(text)?.configuration as SidecarAnswer | undefined)?.path;
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

interface Asked {
  readonly method: Call['method'];
  readonly path: string;
  /** null: none is sent. */
  readonly key: string | null;
  readonly body: SidecarAnswer | undefined;
}

async function exchange({ root, secured }: Place, { method, path, key, body }: Asked) {
  try {
    const answer = await request(root + path, {
      ...secured,
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SetupError(
      `the sidecar at ${root} cannot be asked (${code ?? message}); is \`scopegate serve\` running? --url names another`,
    );
  }
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
