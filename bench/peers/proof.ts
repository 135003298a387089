/**
 * The proof that a candidate answers a scenario as it should, before anything is measured: the upstream's own answer where
 * it must pass, 401 and 403 where it must not, and whatever else the scenario is about. Says what is wrong.
 */
import { once } from 'node:events';
import { connect } from 'node:tls';
import { Agent, request } from 'undici';
import type { Dataset, Holder } from '../dataset.ts';
import { type Candidate, NGINX_LUA_HEADERS, SCOPEGATE } from './candidates.ts';
import type { Scenario } from './scenarios.ts';
import { requestOf } from './traffic.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Shown certificates that nobody vouches for; one of them speaks HTTP/2 where it is offered. */
const http1 = new Agent({ connect: { rejectUnauthorized: false }, allowH2: false, connections: 16 });
const http2 = new Agent({ connect: { rejectUnauthorized: false }, allowH2: true });
/** What every TLS scenario must come to, so that none is cheaper by a weaker cipher. */
const CIPHER = 'TLS_AES_256_GCM_SHA384';
const TOLD_UPSTREAM = [
  ...['via', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-request-id'],
  ...['token-id', 'kind', 'organization', 'subject', 'scopes', 'workspaces', 'workspace', 'environment', 'role'].map(
    (name) => `x-scopegate-${name}`,
  ),
];

/** null: nothing is wrong. */
export async function whatIsWrong(candidate: Candidate, scenario: Scenario, dataset: Dataset): Promise<string | null> {
  try {
    return (
      (await wrongRefusal(candidate, scenario, dataset)) ??
      (await wrongAnswer(candidate, scenario, dataset)) ??
      (await wrongConnection(candidate, scenario)) ??
      (await wrongHeaders(candidate, scenario, dataset))
    );
  } catch (error) {
    return `no answer: ${(error as Error).message}`;
  }
}

async function wrongRefusal(candidate: Candidate, scenario: Scenario, dataset: Dataset): Promise<string | null> {
  if (!candidate.checksTokens) return null;
  const { unknown, unscoped, holders } = dataset;
  const [first] = holders as [Holder];
  const expected: ReadonlyArray<readonly [string | null, string, number]> = [
    [null, first.environmentId, 401],
    ['no-token-of-ours', first.environmentId, 401],
    [unknown, first.environmentId, 401],
    [unscoped.text, unscoped.environmentId, 403],
    [first.text, first.elsewhere, 403],
  ];
  for (const [text, environmentId, right] of expected) {
    const { status } = await ask(candidate, { ...scenario, kind: 'requests' }, text, environmentId);
    if (status !== right) return `answers ${status} where ${right} is right`;
  }
  return null;
}

async function wrongAnswer(candidate: Candidate, scenario: Scenario, dataset: Dataset): Promise<string | null> {
  const answers = await Promise.all(
    dataset.holders.map(({ text, environmentId }) =>
      ask(candidate, { ...scenario, kind: 'requests' }, text, environmentId),
    ),
  );
  for (const { status, body, headers } of answers) {
    if (status !== 200) return `answers ${status} where 200 is right`;
    if (body.length !== scenario.answerBytes || !body.startsWith(`{"received":${scenario.bodyBytes},`))
      return `not the upstream's answer: ${body.slice(0, 100)}`;
    const hasLimits = headers.ratelimit !== undefined && headers['ratelimit-policy'] !== undefined;
    if (scenario.variant === 'limits' && candidate.limits && !hasLimits) return 'tells nothing of its rate limits';
  }
  return null;
}

async function wrongConnection(candidate: Candidate, { variant }: Scenario): Promise<string | null> {
  if (variant !== 'tls' && variant !== 'http2') return null;
  const { hostname, port } = new URL(candidate.url);
  const wanted = variant === 'http2' ? 'h2' : 'http/1.1';
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ALPNProtocols: [wanted] });
  await once(socket, 'secureConnect');
  const cipher = socket.getCipher().name;
  const { alpnProtocol } = socket;
  socket.destroy();
  if (cipher !== CIPHER) return `speaks ${cipher}, the others ${CIPHER}`;
  return variant === 'http2' && alpnProtocol !== 'h2' ? 'does not speak HTTP/2' : null;
}

/** Only the bare upstream can tell what reached it. */
async function wrongHeaders(candidate: Candidate, scenario: Scenario, dataset: Dataset): Promise<string | null> {
  if (scenario.variant !== 'whole-bodies' || ![SCOPEGATE, NGINX_LUA_HEADERS].includes(candidate.name)) return null;
  const [{ text, environmentId }] = dataset.holders as [Holder];
  const { path, headers } = requestOf({ ...scenario, bodyBytes: 0 }, text, environmentId);
  const asked = candidate.url + path.replace(/[^/]+\?/, 'head?');
  const forged = { ...headers, 'x-real-ip': '192.0.2.1', 'x-forwarded-server': 'forged' };
  const { body } = await request(asked, { headers: forged, dispatcher: http1 });
  const reached = (await body.text())
    .split('\r\n')
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
  const lacking = TOLD_UPSTREAM.filter((name) => !reached.includes(name));
  const passed = ['authorization', 'x-real-ip', 'x-forwarded-server'].filter((name) => reached.includes(name));
  if (lacking.length > 0) return `the upstream is not told ${lacking.join(', ')}`;
  return passed.length > 0 ? `the upstream is told ${passed.join(', ')}` : null;
}

async function ask(
  candidate: Candidate,
  scenario: Scenario,
  text: string | null,
  environmentId: string,
): Promise<Answer> {
  const { method, path, headers, body } = requestOf(scenario, text, environmentId);
  const { host: _, ...sent } = headers;
  const isHttp2 = scenario.variant === 'http2';
  const answer = await request(candidate.url + path, {
    method,
    headers: isHttp2 ? sent : headers,
    body: body === '' ? null : body,
    dispatcher: isHttp2 ? http2 : http1,
  });
  return { status: answer.statusCode, body: await answer.body.text(), headers: answer.headers };
}
