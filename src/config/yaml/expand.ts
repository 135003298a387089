/**
 * Expands `${NAME}`, `${NAME:-default}` and, where they may stand, `${file:PATH}` in one scalar, and types the result as YAML would have.
 * It sees text that YAML has already parsed, so a variable's content can never add keys, lists or comments.
 */
import { isScalar, Schema } from 'yaml';
import { withoutLineBreak } from '../../secret.ts';

/** Where variables come from; mostly `process.env`. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Where `${file:PATH}` may stand, and what it stands for. */
export interface SecretFiles {
  /** `path`: keys and indexes from the root down to the value. */
  mayStandAt(path: readonly (string | number)[]): boolean;
  read(path: string): { readonly text: string } | { readonly fault: string };
}

export interface Expanded {
  /** The text with every variable replaced; meaningless when there are faults. */
  readonly text: string;
  /** Whether a variable was replaced; a lone `$${` does not count. */
  readonly used: boolean;
  /** What is wrong with it, ready for a reader. */
  readonly faults: readonly string[];
}

// `$${` comes first, so that the literal form wins over the variable inside it.
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const BODY = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

const FILE = 'file:';
const FILES_ELSEWHERE = `\${file:…} stands in values of "set" in headers and answerHeaders of a route alone`;

const core = new Schema({ schema: 'core' });

/**
 * Replaces the variables of one scalar. `:-` gives a default for a variable that is unset or empty, as in a shell; `$${`
 * stands for a literal `${`. What a variable contains is never expanded again; one line break at its end is not part of it. Never throws: faults are returned. `secrets`: null: no file may be named here.
 */
export function expandVariables(text: string, env: Env, secrets: SecretFiles | null = null): Expanded {
  const faults: string[] = [];
  let used = false;
  const expanded = text.replace(REFERENCE, (whole: string, body: string | undefined, end: string | undefined) => {
    if (body === undefined) return '${';
    if (end === '}' && body.startsWith(FILE)) {
      used = true;
      const read = secrets?.read(body.slice(FILE.length)) ?? { fault: FILES_ELSEWHERE };
      if ('text' in read) return read.text;
      faults.push(read.fault);
      return '';
    }
    const parts = end === '}' ? BODY.exec(body) : null;
    const name = parts?.[1];
    const fallback = parts?.[2];
    if (name === undefined || fallback?.includes('${')) {
      faults.push(`${JSON.stringify(whole)} is not \${NAME} or \${NAME:-default}; write $\${ for a literal \${`);
      return '';
    }
    used = true;
    const value = Object.hasOwn(env, name) && env[name] !== undefined ? withoutLineBreak(env[name]) : undefined;
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    if (fallback !== undefined) return fallback;
    faults.push(`the environment variable ${name} is not set and has no default`);
    return '';
  });
  return { text: expanded, used, faults };
}

/** What an unquoted scalar with this text is under the YAML 1.2 core schema: a number, boolean, null or the text itself. */
export function typePlain(text: string): unknown {
  for (const tag of core.tags) {
    if (tag.default !== true || tag.collection !== undefined || tag.test?.test(text) !== true) continue;
    const value = tag.resolve(text, () => {}, {});
    return isScalar(value) ? value.value : value;
  }
  return text;
}
