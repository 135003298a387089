/** Where a sidecar is, and one HTTP exchange with it. Knows no command, no key, and nothing of what is said. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { SetupError } from '../errors.ts';
import type { Trust } from './sidecar-trust.ts';

/** The address, and how its certificate is judged. */
export interface SidecarPlace {
  readonly root: string;
  readonly trust: Trust;
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
export function sidecarPlace({ url, trust }: { readonly url: string; readonly trust: Trust }): SidecarPlace {
  const base = URL.canParse(url) ? new URL(url) : null;
  if (base === null || !/^https?:$/.test(base.protocol) || base.username !== '' || base.search !== '') {
    throw new SetupError(
      `--url takes the sidecar's address, such as http://127.0.0.1:8081, not ${JSON.stringify(url)}`,
    );
  }
  return { root: base.href.replace(/\/+$/, ''), trust };
}

/** Rejects with SetupError where nobody answers. */
export async function exchange(place: SidecarPlace, asked: Asked): Promise<Answered> {
  const { root } = place;
  try {
    const sent = await open(place, asked);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      sent.once('error', reject);
      sent.setTimeout(SILENCE_MS + (asked.waitMs ?? 0), () => sent.destroy(new Error('no answer within a minute')));
      sent.end(asked.body === undefined ? undefined : JSON.stringify(asked.body));
    });
    return { status: answer.statusCode!, text: await textOf(answer) };
  } catch (error) {
    if (error instanceof SetupError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SetupError(`the sidecar at ${root} cannot be asked (${code ?? message}); ${wayOut(code ?? message)}`);
  }
}

function wayOut(cause: string): string {
  if (/^(?:EPROTO|ERR_SSL_)/.test(cause)) return 'does it speak plain HTTP? Then --url begins with http://';
  if (/CERT|SIGNED|VERIFY|certificate/.test(cause))
    return 'its certificate is not trusted: name who vouches for it with --ca-file, or the gateway with -c on its machine';
  return 'is `scopegate serve` running? --url names another';
}

async function open({ root, trust }: SidecarPlace, { method, path, headers, body }: Asked): Promise<ClientRequest> {
  const options = {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
  };
  if (!root.startsWith('https:')) return httpRequest(root + path, options);
  // TLS and the system's authorities are read only where they are needed: tens of milliseconds.
  const [{ request }, { trustOptions }] = await Promise.all([import('node:https'), import('./sidecar-trust.ts')]);
  return request(root + path, { ...options, ...trustOptions(trust) });
}
