/**
 * What only each gateway process knows, asked of all of them by way of the store that they share: a question is left there,
 * whoever serves looks for questions now and then, and answers. Knows nothing of what is asked; never on the way of a request.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { randomText } from '../secret.ts';
import type { QuestionBoard } from '../store/question-board.ts';
import type { Registry } from '../store/registry.ts';

/** How often a process looks, and while somebody has been asking. */
const LOOK_MS = 300;
const CLOSE_LOOK_MS = 40;
const CLOSE_FOR_MS = 10_000;
/** Questions and answers are forgotten by themselves. */
const KEPT_MS = 10_000;
const PATIENCE_MS = 1500;
const ID_LENGTH = 20;

export interface FleetAnswers {
  /** By process. */
  readonly answers: ReadonlyMap<string, string>;
  /** Processes that hold a lease and have said nothing in time; null: nobody could be asked. */
  readonly unanswered: readonly string[] | null;
}

interface Asked {
  readonly board: QuestionBoard;
  readonly registry: Pick<Registry, 'live'>;
  readonly text: string;
  /** Who need not be asked; null: everybody is. */
  readonly self: string | null;
  /** An answer after which no other matters. */
  readonly isEnough: (answer: string) => boolean;
}

/** Everybody who holds a lease, at most a second and a half long. Never rejects. */
export async function askFleet({ board, registry, text, self, isEnough }: Asked): Promise<FleetAnswers> {
  const id = randomText(ID_LENGTH);
  let answers: ReadonlyMap<string, string> = new Map();
  try {
    const asked = (await registry.live()).map((process) => process.id).filter((each) => each !== self);
    if (asked.length === 0) return { answers, unanswered: [] };
    await board.ask({ id, text }, KEPT_MS);
    const untilMs = performance.now() + PATIENCE_MS;
    const missing = () => asked.filter((each) => !answers.has(each));
    while (missing().length > 0 && ![...answers.values()].some(isEnough) && performance.now() < untilMs) {
      await pause(CLOSE_LOOK_MS);
      answers = await board.answers(id);
    }
    await board.withdraw(id);
    return { answers, unanswered: missing() };
  } catch {
    return { answers, unanswered: null };
  }
}

/** Answers whatever is asked, as the process of this id. Returns the way to stop. */
export function answerFleet(board: QuestionBoard, id: string, answer: (text: string) => string): () => void {
  let answered = new Set<string>();
  let closeUntilMs = 0;
  let timer: NodeJS.Timeout;
  let isStopped = false;
  const look = async () => {
    const open = await board.open();
    for (const question of open) {
      if (answered.has(question.id)) continue;
      closeUntilMs = performance.now() + CLOSE_FOR_MS;
      answered.add(question.id);
      await board.answer(question.id, id, answer(question.text), KEPT_MS);
    }
    if (answered.size > open.length) answered = new Set(open.map((question) => question.id));
  };
  const later = () => {
    if (isStopped) return;
    const delayMs = performance.now() < closeUntilMs ? CLOSE_LOOK_MS : LOOK_MS;
    // Without the store nobody asks, and nobody can be answered.
    timer = setTimeout(
      () =>
        void look()
          .catch(() => undefined)
          .then(later),
      delayMs,
    ).unref();
  };
  later();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
