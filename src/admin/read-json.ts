/**
 * JSON that can be read in one way. What two parsers would read differently (a name twice in one object) or what could
 * pass for more than data (`__proto__`) is refused with its name; nothing is repaired.
 */
import { Rejection } from '../manage/rejection.ts';

/** Throws Rejection (400). */
export function readJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The rest of the message would repeat the body, and with it perhaps a token.
    const [where = ''] = / at position \d+/.exec((error as Error).message) ?? [];
    throw refused('malformed_json', `The body is not valid JSON${where}.`);
  }
  checkNames(text);
  return value;
}

/** Strings, and what opens, closes or separates; of valid JSON the rest is numbers and words. */
const PIECES = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;

/** `text` is valid JSON, so a string that opens an object or follows a comma in one is a name. */
function checkNames(text: string): void {
  /** The names seen in each object that is open; null: a list. */
  const open: Array<Set<string> | null> = [];
  let isName = false;
  for (const [piece] of text.matchAll(PIECES)) {
    if (piece === '{' || piece === '[') open.push(piece === '{' ? new Set() : null);
    else if (piece === '}' || piece === ']') open.pop();
    else if (piece !== ',' && isName) {
      const name = JSON.parse(piece) as string;
      const names = open.at(-1)!;
      if (name === '__proto__') throw refused('unknown_field', 'no object has a field "__proto__" here', name);
      if (names!.has(name))
        throw refused('duplicate_field', `${JSON.stringify(name)} stands twice in the same object`, name);
      names!.add(name);
    }
    isName = piece === '{' || (piece === ',' && open.at(-1) !== null);
  }
}

function refused(code: string, detail: string, field?: string): Rejection {
  return new Rejection({ status: 400, code, detail, ...(field === undefined ? {} : { field }) });
}
