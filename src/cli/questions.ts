/** Questions on a terminal: one line each, with the usual answer. Written to standard error, since results alone go to the other. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { SetupError } from '../errors.ts';

export interface TerminalQuestion {
  readonly name: string;
  readonly text: string;
  /** Of whoever presses Enter. */
  readonly usual: string;
}

/** Asks again where `judge` throws. By name. Throws SetupError where the terminal goes away. */
export async function askOnTerminal(
  questions: readonly TerminalQuestion[],
  judge: (name: string, answer: string) => void,
): Promise<Readonly<Record<string, string>>> {
  const answers: Record<string, string | undefined> = {};
  if (questions.length === 0) return {};
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Several lines may be pasted at once.
  const lines: string[] = [];
  terminal.on('line', (line) => lines.push(line));
  let isGone = false;
  terminal.once('close', () => {
    isGone = true;
  });
  for (const { name, text, usual } of questions) {
    while (answers[name] === undefined) {
      terminal.setPrompt(`${text}${usual === '' ? '' : ` [${usual}]`} `);
      terminal.prompt();
      if (lines.length === 0 && !isGone) await Promise.race([once(terminal, 'line'), once(terminal, 'close')]);
      const line = lines.shift();
      if (line === undefined) throw new SetupError('nothing was written: the questions were not answered');
      answers[name] = judged(line.trim() || usual, (answer) => judge(name, answer));
    }
  }
  terminal.close();
  return answers as Record<string, string>;
}

/** undefined, and a line that says why, where it is of no use. */
function judged(answer: string, judge: (answer: string) => void): string | undefined {
  try {
    judge(answer);
    return answer;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return undefined;
  }
}
