/**
 * Holds back a good answer until what it tells of is written down: the client that has read it may ask for the resource at
 * once. Changes no byte of it; an answer that says no, or nothing of use, passes as it comes.
 */
import { bodyTypeOf } from '../../core/bodies/body-type.ts';
import { BodyInspection } from '../../core/bodies/inspect.ts';
import type { InspectedBody } from '../../core/bodies/inspected-body.ts';
import { isId } from '../../core/facts.ts';
import type { Registration } from '../../core/registration.ts';
import type { AnswerHead, AnswerListener, UpstreamExchange, UpstreamFailure } from '../../upstream/exchange.ts';
import type { InspectionQueue } from '../bodies/inspection-queue.ts';

/** More is not looked into. */
const ANSWER_BYTES_MAX = 1024 * 1024;

export interface HeldAnswerParts {
  readonly registration: Registration;
  readonly inspections: InspectionQueue;
  /** `madeId`: of what the answer says was made; null: nothing of use. null: nothing is to be waited for. */
  readonly settle: (madeId: string | null) => Promise<void> | null;
  readonly isClientGone: () => boolean;
  readonly onBug: (error: unknown) => void;
}

/** `reading`: all of it is wanted. `settling`: it is being read, or what it tells of written down. */
type State = 'waiting' | 'reading' | 'settling' | 'passing';

export class HeldAnswer implements AnswerListener {
  readonly #inner: AnswerListener;
  readonly #parts: HeldAnswerParts;
  #upstream!: UpstreamExchange;
  #state: State = 'waiting';
  #head: AnswerHead | null = null;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #trailers: readonly string[] | null = null;
  #failure: UpstreamFailure | null = null;

  constructor(inner: AnswerListener, parts: HeldAnswerParts) {
    this.#inner = inner;
    this.#parts = parts;
  }

  /** `upstream`: where the answer comes from. */
  start(upstream: UpstreamExchange): void {
    this.#upstream = upstream;
  }

  informational(status: number, headers: readonly string[]): void {
    this.#inner.informational(status, headers);
  }

  head(head: AnswerHead): void {
    this.#head = head;
    if (head.status < 200 || head.status > 299) {
      this.#pass();
      return;
    }
    const reads = this.#parts.registration.register !== null && bodyTypeOf(head.headers) === 'json';
    if (reads && head.framing !== 'none' && head.length <= ANSWER_BYTES_MAX) this.#state = 'reading';
    else this.#settle(null);
  }

  data(chunk: Buffer): boolean {
    if (this.#state === 'passing') return this.#inner.data(chunk);
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#state === 'reading' && this.#bytes > ANSWER_BYTES_MAX) return this.#settle(null);
    return this.#state === 'reading';
  }

  end(trailers: readonly string[]): void {
    if (this.#state === 'passing') return this.#inner.end(trailers);
    this.#trailers = trailers;
    if (this.#state === 'reading') this.#read();
  }

  failed(failure: UpstreamFailure): void {
    // Half of it tells of nothing.
    if (this.#state !== 'settling') return this.#inner.failed(failure);
    this.#failure = failure;
  }

  drained(): void {
    this.#inner.drained();
  }

  #read(): void {
    this.#state = 'settling';
    const { id } = this.#parts.registration.register!;
    const settle = (answer: InspectedBody | null) => {
      const found = answer?.values.get(id.name);
      this.#settle(typeof found === 'string' && isId(found) ? found : null);
    };
    const answer = this.#parts.inspections.run(new BodyInspection('json', Buffer.concat(this.#chunks), [id]));
    if (answer instanceof Promise) answer.then(settle).catch(this.#parts.onBug);
    else settle(answer);
  }

  /** As `#pass`; false where it waits. */
  #settle(madeId: string | null): boolean {
    const settling = this.#parts.settle(madeId);
    if (settling === null) return this.#pass();
    this.#state = 'settling';
    const passOn = () => {
      if (this.#pass()) this.#upstream.resume();
    };
    settling.then(passOn).catch(this.#parts.onBug);
    return false;
  }

  /** All that has come, and from here on all that comes. Says whether the upstream may go on. */
  #pass(): boolean {
    this.#state = 'passing';
    if (this.#parts.isClientGone()) return false;
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#inner.head(this.#head!);
    let mayGoOn = true;
    for (const chunk of chunks) mayGoOn = this.#inner.data(chunk);
    if (this.#failure !== null) this.#inner.failed(this.#failure);
    else if (this.#trailers !== null) this.#inner.end(this.#trailers);
    else return mayGoOn;
    return false;
  }
}
