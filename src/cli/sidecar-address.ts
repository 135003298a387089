/** Where a sidecar is, and one HTTP exchange with it. Knows no command, no key, and nothing of what is said. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { SetupError } from '../errors.ts';

/** The address, and how its certificate is judged. */
export interface SidecarPlace {
  readonly root: string;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Beyond the silence that is borne anyway. */
  readonly waitMs?: number;
}

export interface Answered {
  readonly status: number;
  readonly text: string;
}

const SILENCE_MS = 60_000;

/** Throws SetupError for what is no http(s) URL. */
export function sidecarPlace(url: string): SidecarPlace {
  const base = URL.canParse(url) ? new URL(url) : null;
  if (base === null || !/^https?:$/.test(base.protocol) || base.username !== '' || base.search !== '') {
    throw new SetupError(
      `--url takes the sidecar's address, such as http://127.0.0.1:8081, not ${JSON.stringify(url)}`,
    );
  }
  return { root: base.href.replace(/\/+$/, '') };
}

/** Rejects with SetupError where nobody answers. */
export async function exchange({ root }: SidecarPlace, asked: Asked): Promise<Answered> {
  try {
    const sent = await open(root, asked);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      sent.once('error', reject);
      sent.setTimeout(SILENCE_MS + (asked.waitMs ?? 0), () => sent.destroy(new Error('no answer within a minute')));
      sent.end(asked.body === undefined ? undefined : JSON.stringify(asked.body));
    });
    return { status: answer.statusCode!, text: await textOf(answer) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SetupError(
      `the sidecar at ${root} cannot be asked (${code ?? message}); is \`scopegate serve\` running? --url names another`,
    );
  }
}

async function open(root: string, { method, path, headers, body }: Asked): Promise<ClientRequest> {
  const options = {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
  };
  if (!root.startsWith('https:')) return httpRequest(root + path, options);
  // TLS and the system's authorities are read only where they are needed: tens of milliseconds.
  const [{ request }, { systemAuthorities }] = await Promise.all([import('node:https'), import('../authorities.ts')]);
  return request(root + path, { ...options, ca: [...systemAuthorities()] });
}
