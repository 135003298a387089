/**
 * JSON that can be read in one way, within bounds that no call comes near. What two parsers would read differently (a
 * name twice in one object) or what could pass for more than data (`__proto__`) is refused with its name; nothing is
 * repaired. However hostile the text is, others get their turn meanwhile.
 */
import { malformed } from '../manage/rejection.ts';
import { Slices } from '../slices.ts';

/** Of lists and objects in each other: a call's have five. */
const DEPTH_MAX = 32;
/** Of values: a thousand tokens with a hundred workspaces each have fewer. */
const VALUES_MAX = 150_000;
/** Of one object: a call's have twenty at most. Many more make any object slow. */
const FIELDS_MAX = 1000;
/** Characters, or pieces, between two looks at the clock. */
const STEP = 1024;

/** Rejects with Rejection (400). */
export async function readJson(text: string): Promise<unknown> {
  const slices = new Slices();
  await checkBounds(text, slices);
  // It cannot be sliced, so it has a turn to itself.
  await slices.next();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The rest of the message would repeat the body, and with it perhaps a token.
    const [where = ''] = / at position \d+/.exec((error as Error).message) ?? [];
    throw malformed('malformed_json', `The body is not valid JSON${where}.`);
  }
  await slices.next();
  await checkNames(text, slices);
  // Nor can what judges it.
  await slices.next();
  return value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [LIST, OBJECT] = [0x5b, 0x7b];
const CLOSING = new Set([0x5d, 0x7d]);

/** Before it is parsed: `text` may be anything. */
async function checkBounds(text: string, slices: Slices): Promise<void> {
  /** Fields of each object that is open; a list has none. */
  const open: number[] = [];
  let values = 1;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    if (index % STEP === 0 && slices.over) await slices.next();
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === BACKSLASH) index++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === COMMA) {
      values++;
      if (++open[open.length - 1]! > FIELDS_MAX)
        throw malformed('malformed_json', `An object holds more than ${FIELDS_MAX} fields.`);
    } else if (code === LIST || code === OBJECT) {
      values++;
      if (open.push(code === OBJECT ? 1 : Number.NEGATIVE_INFINITY) > DEPTH_MAX)
        throw malformed('malformed_json', `The body nests lists and objects more than ${DEPTH_MAX} deep.`);
    } else if (CLOSING.has(code)) open.pop();
    if (values > VALUES_MAX) throw malformed('malformed_json', `The body holds more than ${VALUES_MAX} values.`);
  }
}

/** Strings, and what opens, closes or separates; of valid JSON the rest is numbers and words. */
const PIECES = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;

/** `text` is valid JSON, so a string that opens an object or follows a comma in one is a name. */
async function checkNames(text: string, slices: Slices): Promise<void> {
  /** The names seen in each object that is open; null: a list. */
  const open: Array<Set<string> | null> = [];
  let isName = false;
  let count = 0;
  for (const [piece] of text.matchAll(PIECES)) {
    if (++count % STEP === 0 && slices.over) await slices.next();
    if (piece === '{' || piece === '[') open.push(piece === '{' ? new Set() : null);
    else if (piece === '}' || piece === ']') open.pop();
    else if (piece !== ',' && isName) {
      const name = JSON.parse(piece) as string;
      const names = open.at(-1)!;
      if (name === '__proto__') throw malformed('unknown_field', 'no object has a field "__proto__" here', name);
      if (names!.has(name))
        throw malformed('duplicate_field', `${JSON.stringify(name)} stands twice in the same object`, name);
      names!.add(name);
    }
    isName = piece === '{' || (piece === ',' && open.at(-1) !== null);
  }
}
