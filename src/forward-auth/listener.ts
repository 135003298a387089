/**
 * Forward-auth, the decision listener of docs/forward-auth.md (`decision` in gateway.yaml): another proxy holds the request,
 * asks here, and sends it on itself if the answer is 200. The question goes the same way as a proxied request; only the last
 * step and the wording of a refusal differ.
 */
import type { Dialect, Refusal } from '../core/dialect.ts';
import type { Reason } from '../core/reason.ts';
import { idPairs } from '../core/request-ids.ts';
import { clientAddress, knownAddress } from '../edge/client-address.ts';
import type { DecisionHandler, Passed } from '../edge/decision-handler.ts';
import { IDENTITY_NAMES } from '../edge/forward/identity.ts';
import { malformedRequestRefusal } from '../edge/malformed-request.ts';
import type { Pipeline } from '../edge/pipeline.ts';
import { AskedExchange, type AskedRequest } from '../http/asked-exchange.ts';
import type { ClientLimits } from '../http/client-limits.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Listener } from '../http/listener.ts';
import { startListener } from '../http/start-listener.ts';
import { type ProxyName, readQuestion } from './question.ts';

export interface ForwardAuthOptions {
  readonly host: string;
  readonly port: number;
  readonly proxy: ProxyName;
  readonly limits: ClientLimits;
  /** Who may ask. */
  readonly isTrusted: (address: string) => boolean;
  readonly pipeline: Pipeline;
  readonly dialect: () => Dialect;
  readonly nextRequestId: () => string;
  readonly onBug: (error: unknown) => void;
}

export function startForwardAuthListener(options: ForwardAuthOptions): Promise<Listener> {
  const { proxy } = options;
  return startListener({
    name: 'decision',
    host: options.host,
    port: options.port,
    tls: null,
    limits: options.limits,
    handle: (exchange) => judgeQuestion(options, exchange),
    sendable: (status) => sendable(proxy, status),
    refuse: (status) => {
      const refusal = malformedRequestRefusal(options.dialect(), status, options.nextRequestId());
      return phrase(proxy, refusal, refusal.reason);
    },
    onBug: options.onBug,
  });
}

function judgeQuestion({ proxy, isTrusted, pipeline }: ForwardAuthOptions, exchange: Exchange): void {
  const asker = exchange.peerAddress;
  const question = isTrusted(asker)
    ? readQuestion(proxy, exchange)
    : ({ ok: false, problem: `${asker} is not in decision.trustedProxies` } as const);
  const { method, target, headers } = question.ok ? question : exchange;
  const peerAddress = clientAddress(exchange.headers, asker, isTrusted);
  const isClientUnknown = knownAddress(exchange.headers, asker, isTrusted) === null;
  const asked = new ProxyQuestion(proxy, exchange, { method, target, headers, peerAddress, isClientUnknown });
  if (question.ok) pipeline.handle(asked, asked);
  else pipeline.refuseMalformed(asked, asked, question.problem);
}

class ProxyQuestion extends AskedExchange implements DecisionHandler {
  readonly servesEndpoints = false;
  readonly #proxy: ProxyName;
  readonly #exchange: Exchange;

  constructor(proxy: ProxyName, exchange: Exchange, asked: AskedRequest) {
    super(asked);
    this.#proxy = proxy;
    this.#exchange = exchange;
  }

  get answered(): boolean {
    return this.#exchange.answered;
  }

  /** The proxy has given up the question, most likely because its client has left. */
  get isGone(): boolean {
    return this.#exchange.isGone;
  }

  endConnection(): void {
    this.#exchange.endConnection();
  }

  answer(status: number, headers: string[], body: string): void {
    this.#exchange.answer(status, headers, body);
  }

  breakOff(): void {
    this.#exchange.breakOff();
  }

  /** All the names, some of them empty: what the proxy copies then overwrites whatever the client sent under them. */
  pass({ identity, answerHeaders, ...ids }: Passed): void {
    const present = new Set(identity.filter((_, index) => index % 2 === 0));
    const absent = IDENTITY_NAMES.filter((name) => !present.has(name)).flatMap((name) => [name, '']);
    const rest = [...idPairs(ids), 'Cache-Control', 'no-store', 'Content-Length', '0'];
    this.answer(200, [...identity, ...absent, ...answerHeaders, ...rest], '');
  }

  phrase(refusal: Refusal, reason: Reason): Refusal {
    return phrase(this.#proxy, refusal, reason);
  }
}

/** nginx knows 401 and 403 only and makes 500 of the rest. A dialect may refuse with 200: never to be taken for a yes. */
function sendable(proxy: ProxyName, status: number): number {
  if (proxy === 'nginx') return status === 401 ? 401 : 403;
  return status >= 400 ? status : 403;
}

/** In a form that the proxy hands on. nginx drops the body, so it is told in headers what to answer. */
function phrase(proxy: ProxyName, refusal: Refusal, reason: Reason): Refusal {
  const status = sendable(proxy, refusal.status);
  if (proxy !== 'nginx') return { ...refusal, status };
  const told = [
    ...['X-Scopegate-Status', String(refusal.status)],
    ...['X-Scopegate-Code', String(refusal.code).replace(NOT_ASCII, '?')],
    ...['X-Scopegate-Reason', reason],
    ...['X-Scopegate-Body', refusal.body.replace(NOT_ASCII, escapeJson)],
  ];
  return { ...refusal, status, headers: [...refusal.headers, ...told] };
}

const NOT_ASCII = /[^\x20-\x7e]/g;

/** In JSON text such a character stands in a string. */
function escapeJson(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
