/**
 * The port to where processes that share a store leave questions for each other, and find the answers: for what only each
 * of them knows. Bounded by time alone: whoever answers bounds what they say. Never needed to survive anything. Types only.
 */

export interface OpenQuestion {
  /** Letters and digits; never used again. */
  readonly id: string;
  readonly text: string;
}

/** Every method rejects with StoreUnavailable when the engine cannot be asked, and waits no longer than a store would. */
export interface QuestionBoard {
  /** Forgotten after `forMs`, with its answers. */
  ask(question: OpenQuestion, forMs: number): Promise<void>;
  /** All that are not forgotten. */
  open(): Promise<readonly OpenQuestion[]>;
  /** `processId`: of whoever answers, as in the registry. */
  answer(questionId: string, processId: string, text: string, forMs: number): Promise<void>;
  answers(questionId: string): Promise<ReadonlyMap<string, string>>;
  /** Nobody wants to know any more. */
  withdraw(questionId: string): Promise<void>;
}
