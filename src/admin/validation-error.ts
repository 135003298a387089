/** Says what a schema found wrong in a call: which field, and what would be right. Judges nothing itself. */
import { ID_PATTERN } from '../core/facts.ts';
import { ID_FORM } from '../manage/context.ts';
import type { Mistake } from './judge-shape.ts';

/** A part of a call that has not its shape, in the words of the refusal. */
export class ShapeRefused extends Error {
  readonly code: 'unknown_field' | 'invalid_field';
  readonly field: string;

  /** `mistakes`: of one value, the first the one to blame. `part`: of the call. */
  constructor(mistakes: readonly Mistake[], part: string) {
    const { field, detail } = describe(mistakes, part);
    super(detail);
    this.code = mistakes[0]!.keyword === 'additionalProperties' ? 'unknown_field' : 'invalid_field';
    this.field = field;
  }
}

function describe(mistakes: readonly Mistake[], part: string): { readonly field: string; readonly detail: string } {
  const [mistake] = mistakes as readonly [Mistake];
  const { keyword, path, field: last } = mistake;
  const field = [...path, ...(last === undefined ? [] : [last])].join('.') || part;
  if (keyword === 'additionalProperties')
    return { field, detail: `unknown field ${JSON.stringify(field)} in the ${part}` };
  if (keyword === 'required') return { field, detail: `${field} is required` };
  const right = keyword === 'pattern' ? formOf(mistake) : alternatives(mistakes, path);
  return { field, detail: right === null ? `${field} ${inWords(mistake)}` : `${field} must be ${right}` };
}

/** A pattern says little to people: what it is for does. */
function formOf({ shape }: Mistake): string | null {
  return shape.pattern === ID_PATTERN ? `an id: ${ID_FORM}` : (shape.description ?? null);
}

function inWords({ keyword, shape }: Mistake): string {
  const limit = shape[keyword] as number;
  switch (keyword) {
    case 'minimum':
      return `must be at least ${limit}`;
    case 'uniqueItems':
      return 'must not list anything twice';
    case 'pattern':
      return `must match ${shape.pattern}`;
    default: {
      const unit = keyword.endsWith('Items') ? 'item' : 'character';
      return `must have at ${keyword.startsWith('min') ? 'least' : 'most'} ${limit} ${unit}${limit === 1 ? '' : 's'}`;
    }
  }
}

const KINDS: Readonly<Record<string, string>> = { array: 'a list', object: 'an object', string: 'text' };

/** A union is refused branch by branch: together they are what the field may be. null: it was something else. */
function alternatives(mistakes: readonly Mistake[], place: readonly string[]): string | null {
  const right: string[] = [];
  for (const { path, keyword, shape } of mistakes) {
    if (path.join('/') !== place.join('/')) continue;
    if (keyword === 'const') right.push(JSON.stringify(shape.const));
    else if (keyword === 'enum') right.push(...shape.enum!.map((value) => JSON.stringify(value)));
    else if (keyword === 'type') right.push(KINDS[shape.type!] ?? shape.type!);
    else return null;
  }
  // Where some words are named, any other text is not.
  const named = right.some((one) => one.startsWith('"'));
  const all = [...new Set(right)].filter((one) => !named || one !== KINDS.string);
  return all.length < 2 ? (all[0] ?? null) : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}
