/**
 * Questions and answers between two processes over Node's channel. A question is answered once, with a value or with an
 * error; when the other side is gone, all that wait for it are told. Knows nothing of what is asked.
 */
import { SetupError } from '../errors.ts';
import { processTimeout } from './process-timeout.ts';

/** What one side answers: the names of the questions and their functions. */
export type Answers<Questions> = {
  readonly [Name in keyof Questions]: Questions[Name] extends (argument: infer Argument) => infer Answer
    ? (argument: Argument) => Answer | Promise<Answer>
    : never;
};

interface End {
  send?: ((message: object, sent: (error: Error | null) => void) => boolean) | undefined;
  on(event: 'message', hear: (message: unknown) => void): unknown;
}

type Message =
  | { readonly scopegate: 'question'; readonly id: number; readonly name: string; readonly argument: unknown }
  | { readonly scopegate: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly scopegate: 'failure'; readonly id: number; readonly message: string; readonly isSetup: boolean };

/** The other process is gone, or has been silent for too long. */
export class Unanswered extends Error {}

export class Channel<Theirs extends { readonly [Name in keyof Theirs]: (argument: never) => unknown }> {
  readonly #end: End;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #asked = 0;
  #closed = false;

  /** `answers`: to what the other side asks. Other users of the same channel go unheard. */
  constructor(end: End, answers: Readonly<Record<string, (argument: never) => unknown>>) {
    this.#end = end;
    end.on('message', (message) => {
      if (typeof message !== 'object' || message === null || !('scopegate' in message)) return;
      const caughtUp = message as Message;
      if (caughtUp.scopegate === 'question') void this.#answer(answers, caughtUp.id, caughtUp.name, caughtUp.argument);
      else this.#settle(caughtUp);
    });
  }

  /** Rejects with Unanswered, or with the error that the other side met. */
  ask<Name extends keyof Theirs & string>(
    name: Name,
    argument: Parameters<Theirs[Name]>[0],
    patienceMs?: number,
  ): Promise<Awaited<ReturnType<Theirs[Name]>>> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      let cancel = (): void => undefined;
      const settle = () => {
        cancel();
        this.#waiting.delete(id);
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      if (this.#closed) return fail(new Unanswered('the other process is gone'));
      if (patienceMs !== undefined)
        cancel = processTimeout(patienceMs, () => fail(new Unanswered(`no answer within ${patienceMs} ms`)));
      this.#waiting.set(id, {
        resolve: (value) => {
          settle();
          resolve(value as Awaited<ReturnType<Theirs[Name]>>);
        },
        reject: fail,
      });
      this.#send({ scopegate: 'question', id, name, argument }, fail);
    });
  }

  /** The other side is gone: whoever waits is told. */
  close(): void {
    this.#closed = true;
    for (const { reject } of [...this.#waiting.values()]) reject(new Unanswered('the other process is gone'));
  }

  async #answer(
    answers: Readonly<Record<string, (argument: never) => unknown>>,
    id: number,
    name: string,
    argument: unknown,
  ): Promise<void> {
    try {
      const value = await answers[name]!(argument as never);
      this.#send({ scopegate: 'answer', id, value });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#send({ scopegate: 'failure', id, message, isSetup: error instanceof SetupError });
    }
  }

  #settle(message: Exclude<Message, { readonly scopegate: 'question' }>): void {
    const waiting = this.#waiting.get(message.id);
    if (message.scopegate === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(message.isSetup ? new SetupError(message.message) : new Error(message.message));
  }

  #send(message: Message, failed: (error: Error) => void = () => undefined): void {
    if (this.#closed || this.#end.send === undefined) return failed(new Unanswered('the other process is gone'));
    try {
      this.#end.send(message, (error) => {
        if (error !== null) failed(new Unanswered(error.message));
      });
    } catch (error) {
      failed(new Unanswered((error as Error).message));
    }
  }
}
