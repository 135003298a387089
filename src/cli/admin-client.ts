/**
 * Speaks to a running sidecar over HTTP with the admin key. Only sends and reads: what is asked, and what to make of
 * the answer, is the command's affair. The key is never printed.
 */
import { existsSync } from 'node:fs';
import { Agent, request } from 'undici';
import { isSendable, keyIn, keysGiven } from '../admin/admin-key.ts';
import { systemAuthorities } from '../authorities.ts';
import type { Env } from '../config/yaml/expand.ts';
import { type Answer, type Call, Refused, type Sidecar } from '../directory/sidecar.ts';
import { SetupError } from '../errors.ts';

export interface AdminKey {
  readonly key: string;
  /** For messages: where it is from. */
  readonly source: string;
}

const KEY_FILE = 'data/admin-key';
const TIMEOUT_MS = 60_000;

/**
 * From `keyFile` where one is given, else from SCOPEGATE_ADMIN_KEY (of two keys the first), else from the data folder
 * beside ./gateway.yaml. Throws SetupError where there is none.
 */
export function findAdminKey(env: Env, keyFile: string | undefined): AdminKey {
  const [given] = keysGiven(env);
  if (keyFile === undefined && given !== undefined) return checked({ key: given, source: 'SCOPEGATE_ADMIN_KEY' });
  const path = keyFile ?? KEY_FILE;
  if (keyFile === undefined && !existsSync(path))
    throw new SetupError(`there is no admin key: set SCOPEGATE_ADMIN_KEY or --key-file (${path} does not exist here)`);
  try {
    return checked({ key: keyIn(path), source: path });
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`the admin key ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function checked(found: AdminKey): AdminKey {
  if (isSendable(found.key)) return found;
  throw new SetupError(`${found.source} holds no admin key: one word of visible ASCII characters`);
}

/** `url`: the sidecar's origin. Opens nothing yet. Throws SetupError for a text that is no http(s) URL. */
export function adminClient(url: string, { key, source }: AdminKey): Sidecar {
  const base = URL.canParse(url) ? new URL(url) : null;
  if (base === null || !/^https?:$/.test(base.protocol) || base.username !== '' || base.search !== '') {
    throw new SetupError(
      `--url takes the sidecar's address, such as http://127.0.0.1:8081, not ${JSON.stringify(url)}`,
    );
  }
  const root = base.href.replace(/\/+$/, '');
  const secured =
    base.protocol === 'https:' ? { dispatcher: new Agent({ connect: { ca: [...systemAuthorities()] } }) } : {};

  const send = async (method: Call['method'], path: string, body?: Answer): Promise<Answer> => {
    const { status, text } = await exchange(root, secured, { method, path, key, body });
    const answer = parsed(text);
    if (status === 401 && answer?.code === 'credential_unknown')
      throw new SetupError(`the sidecar at ${root} does not accept the admin key from ${source}`);
    if (status >= 200 && status < 300 && answer !== null) return answer;
    throw new Refused(
      status,
      textOr(answer?.code, 'unknown'),
      textOr(answer?.detail, `${method} ${path} was answered ${status} without a detail`),
    );
  };
  return {
    call: ({ method, path, query, body }) => {
      const below = path.map((part) => `/${encodeURIComponent(part)}`).join('');
      const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
      return send(method, `/v1/organizations${below}${search}`, body);
    },
    policy: async () => {
      const stranger = `what answers at ${root} is no scopegate sidecar; --url names another address`;
      const answer = await send('GET', '/v1/policy').catch((error: unknown) => {
        throw error instanceof Refused && error.code === 'unknown' ? new SetupError(stranger) : error;
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

function namesOf(entries: unknown): string[] {
  return (entries as Array<{ readonly name: string }>).map(({ name }) => name);
}

interface Asked {
  readonly method: Call['method'];
  readonly path: string;
  readonly key: string;
  readonly body: Answer | undefined;
}

async function exchange(root: string, secured: { dispatcher?: Agent }, { method, path, key, body }: Asked) {
  try {
    const answer = await request(root + path, {
      ...secured,
      method,
      headers: {
        authorization: `Bearer ${key}`,
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

function parsed(text: string): Answer | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Answer) : null;
  } catch {
    return null;
  }
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
