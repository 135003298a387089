/** What a scenario sends, in the words of HTTP and as bytes. The same for every candidate. */
import { mintToken } from '../../src/secret.ts';
import type { Dataset } from '../dataset.ts';
import { headersFor } from '../traffic.ts';
import { type Scenario, UNKNOWN_TOKENS } from './scenarios.ts';

export interface Sent {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const HOST = 'api.test';
const HEADERS = 10;

export function requestsFor(scenario: Scenario, dataset: Dataset): Sent[] {
  return bearers(scenario, dataset).map(([text, environmentId], index) => {
    const closes = scenario.closeEvery > 0 && (index + 1) % scenario.closeEvery === 0;
    const sent = requestOf(scenario, text, environmentId);
    return closes ? { ...sent, headers: { ...sent.headers, connection: 'close' } } : sent;
  });
}

/** `text` null: without a token. */
export function requestOf(scenario: Scenario, text: string | null, environmentId: string): Sent {
  const { kind, answerBytes, bodyBytes, headerBytes } = scenario;
  const body = 'x'.repeat(bodyBytes);
  const { authorization, ...others } = headersFor(text ?? '');
  return {
    method: bodyBytes > 0 ? 'POST' : 'GET',
    path: `/api/v1/workflows/${kind === 'requests' ? answerBytes : kind}?environmentId=${environmentId}`,
    headers: {
      host: HOST,
      ...(text === null ? {} : { authorization: authorization! }),
      ...others,
      ...Object.fromEntries(paddingHeaders(headerBytes)),
      ...(bodyBytes > 0 ? { 'content-type': 'application/json', 'content-length': String(bodyBytes) } : {}),
      ...(kind === 'sockets'
        ? {
            connection: 'Upgrade',
            upgrade: 'websocket',
            'sec-websocket-version': '13',
            'sec-websocket-key': Buffer.alloc(16, 'k').toString('base64'),
          }
        : {}),
    },
    body,
  };
}

export function bytesOf({ method, path, headers, body }: Sent): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** Tokens, each with the environment that it is shown for. */
function bearers({ tokens }: Scenario, { holders, unscoped }: Dataset): Array<readonly [string, string]> {
  const [{ environmentId }] = holders as [Dataset['unscoped']];
  switch (tokens) {
    case 'held':
      return holders.map((holder) => [holder.text, holder.environmentId]);
    case 'junk':
      return [['no-token-of-ours', environmentId]];
    case 'unknown':
      return Array.from({ length: UNKNOWN_TOKENS }, () => [mintToken('pat_').reveal(), environmentId]);
    case 'unscoped':
      return [[unscoped.text, unscoped.environmentId]];
  }
}

/** So many bytes on the wire, in headers that no proxy knows. */
function paddingHeaders(bytes: number): Array<[string, string]> {
  if (bytes === 0) return [];
  return Array.from({ length: HEADERS }, (_, index) => {
    const name = `x-context-${index}`;
    return [name, 'v'.repeat(Math.round(bytes / HEADERS) - name.length - ': \r\n'.length)];
  });
}
