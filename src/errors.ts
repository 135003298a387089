/**
 * The two errors that every part may throw: a configuration its reader can correct, and a state that cannot be.
 * Never used to refuse a request: a refusal is a value, see the decision.
 */

/** One thing wrong in a file. `line` and `column` count from 1; a column is a UTF-16 unit, as editors count. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** All that is wrong with a configuration, at once: its message is one `file:line:column: message` line per problem. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The impossible happened: our mistake, never the caller's. Whoever catches it must fail closed. */
export class Bug extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Bug';
  }
}

/** The form in which editors and CI logs turn a position into a link: `file:line:column: message`. */
export function formatProblem(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`;
}

/**
 * The operator has to mend something outside the configuration: a busy port, an unwritable folder. One clear line; `cause`
 * is what the system said.
 */
export class SetupError extends Error {}
