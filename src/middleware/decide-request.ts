/** A request that an application asks about, whatever it then does with it: the start of a WebSocket, a job, a test. */
import type { Refusal } from '../core/dialect.ts';
import type { Reason } from '../core/reason.ts';
import type { DecisionHandler, Passed } from '../edge/decision-handler.ts';
import type { Pipeline } from '../edge/pipeline.ts';
import { AskedExchange, type AskedRequest } from '../http/asked-exchange.ts';
import { type Permission, permissionOf } from './caller.ts';

/** Node's IncomingMessage is one. */
export interface DescribedRequest {
  readonly method?: string | undefined;
  /** Path and query, as they came. */
  readonly url?: string | undefined;
  /** [name, value, …]; `Host` among them. */
  readonly rawHeaders: readonly string[];
  readonly socket?: { readonly remoteAddress?: string | undefined };
}

export type Decision =
  | {
      readonly allowed: true;
      readonly permission: Permission;
      /** What an answer is to say, such as how far rate limits are used: [name, value, …] */
      readonly headers: readonly string[];
    }
  | {
      readonly allowed: false;
      readonly reason: Reason;
      /** How the policy's dialect would answer. */
      readonly status: number;
      /** [name, value, …] */
      readonly headers: readonly string[];
      readonly body: string;
    };

export function decideRequest(pipeline: Pipeline, request: DescribedRequest): Promise<Decision> {
  return new Promise((resolve, reject) => {
    const inquiry = new DecideRequest(
      {
        method: request.method ?? 'GET',
        target: request.url ?? '',
        headers: request.rawHeaders,
        peerAddress: request.socket?.remoteAddress ?? '',
      },
      resolve,
      reject,
    );
    pipeline.handle(inquiry, inquiry);
  });
}

class DecideRequest extends AskedExchange implements DecisionHandler {
  readonly servesEndpoints = false;
  answered = false;
  /** An application that asks is always told. */
  readonly isGone = false;
  #reason: Reason = 'bad_request';
  readonly #resolve: (decision: Decision) => void;
  readonly #reject: (error: Error) => void;

  constructor(asked: AskedRequest, resolve: (decision: Decision) => void, reject: (error: Error) => void) {
    super(asked);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  endConnection(): void {}

  breakOff(): void {
    this.#reject(new Error('the decision could not be made'));
  }

  answer(status: number, headers: string[], body: string): void {
    this.answered = true;
    this.#resolve({ allowed: false, reason: this.#reason, status, headers, body });
  }

  pass(passed: Passed): void {
    this.answered = true;
    this.#resolve({ allowed: true, permission: permissionOf(passed), headers: passed.answerHeaders });
  }

  phrase(refusal: Refusal, reason: Reason): Refusal {
    this.#reason = reason;
    return refusal;
  }
}
