/**
 * What the gateway processes that share a store ask each other: one board, one subject for each thing that only the
 * process itself knows. Whoever serves answers; whoever asks hears of everybody, itself included. Remembers nothing.
 */
import { answerFleet, askFleet } from '../fleet/fleet-questions.ts';
import type { QuestionBoard } from '../store/question-board.ts';
import type { Registry } from '../store/registry.ts';

interface Heard<Answer> {
  /** By process; this one's first. */
  readonly answers: ReadonlyMap<string, Answer>;
  /** Processes that have said nothing in time; null: the store could not be asked who there is. */
  readonly unanswered: readonly string[] | null;
}

/** One thing to ask about. */
export class FleetSubject<Question, Answer> {
  readonly name: string;
  readonly answer: (question: Question) => Answer;

  constructor(name: string, answer: (question: Question) => Answer) {
    this.name = name;
    this.answer = answer;
  }
}

export class FleetTalk {
  readonly #board: QuestionBoard;
  readonly #registry: Registry;
  readonly #subjects = new Map<string, FleetSubject<never, unknown>>();
  #id: string | null = null;
  #stop: () => void = () => undefined;

  constructor({ questions, registry }: { readonly questions: QuestionBoard; readonly registry: Registry }) {
    this.#board = questions;
    this.#registry = registry;
  }

  /** null: it serves no requests, and knows nothing that others want to know. */
  get id(): string | null {
    return this.#id;
  }

  add<Question, Answer>(name: string, answer: (question: Question) => Answer): FleetSubject<Question, Answer> {
    const subject = new FleetSubject(name, answer);
    this.#subjects.set(name, subject);
    return subject;
  }

  /** This process serves requests, and is known to the others by this id. */
  serve(id: string): void {
    this.#id = id;
    this.#stop = answerFleet(this.#board, id, (text) => {
      const { about, asked } = JSON.parse(text) as { about: string; asked: never };
      // One that is older or newer than this process may ask about what this one does not know.
      return JSON.stringify(this.#subjects.get(about)?.answer(asked) ?? null);
    });
  }

  /** Of every process. `isEnough`: an answer after which no other matters. Never rejects. */
  async ask<Question, Answer>(
    { name, answer }: FleetSubject<Question, Answer>,
    asked: Question,
    isEnough: (answer: Answer) => boolean = () => false,
  ): Promise<Heard<Answer>> {
    const self = this.#id;
    const own = self === null ? [] : [[self, answer(asked)] as const];
    if (own.some(([, told]) => isEnough(told))) return { answers: new Map(own), unanswered: [] };
    const parse = (text: string) => JSON.parse(text) as Answer | null;
    const { answers, unanswered } = await askFleet({
      board: this.#board,
      registry: this.#registry,
      text: JSON.stringify({ about: name, asked }),
      self,
      isEnough: (text) => {
        const told = parse(text);
        return told !== null && isEnough(told);
      },
    });
    const others = Array.from(answers, ([id, text]) => [id, parse(text)] as const);
    return { answers: new Map([...own, ...others.filter(([, told]) => told !== null)] as never), unanswered };
  }

  close(): void {
    this.#stop();
  }
}
