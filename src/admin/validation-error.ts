/** Says what a schema found wrong in a call: which field, and what would be right. Judges nothing itself. */
import type { FastifyError } from 'fastify';
import { ID_PATTERN } from '../core/facts.ts';
import { ID_FORM } from '../manage/context.ts';

type Mistakes = NonNullable<FastifyError['validation']>;
type Mistake = Mistakes[number];

/** `mistakes`: of one value, the first the one to blame, with their schemas (Ajv's `verbose`). */
export function describeValidationError(mistakes: Mistakes, context: string): { field: string; detail: string } {
  const [mistake] = mistakes as [Mistake];
  const at = mistake.instancePath.split('/').filter((part) => part !== '');
  const { additionalProperty, missingProperty } = mistake.params as {
    additionalProperty?: string;
    missingProperty?: string;
  };
  const last = additionalProperty ?? missingProperty;
  const field = [...at, ...(last === undefined ? [] : [last])].join('.') || context;
  if (additionalProperty !== undefined)
    return { field, detail: `unknown field ${JSON.stringify(field)} in the ${context}` };
  if (missingProperty !== undefined) return { field, detail: `${field} is required` };
  const right = mistake.keyword === 'pattern' ? formOf(mistake) : alternatives(mistakes, mistake.instancePath);
  return { field, detail: right === null ? `${field} ${inWords(mistake)}` : `${field} must be ${right}` };
}

/** Ajv says NOT in capitals, and turns every bound around. */
function inWords({ keyword, params, message }: Mistake): string | undefined {
  const bound = /^(min|max)(Items|Length)$/.exec(keyword);
  if (bound === null) return message;
  const limit = params.limit as number;
  const unit = bound[2] === 'Items' ? 'item' : 'character';
  return `must have at ${bound[1] === 'min' ? 'least' : 'most'} ${limit} ${unit}${limit === 1 ? '' : 's'}`;
}

/** A pattern says little to people: what it is for does. */
function formOf({
  parentSchema,
}: Mistake & { parentSchema?: { pattern?: string; description?: string } }): string | null {
  return parentSchema?.pattern === ID_PATTERN ? `an id: ${ID_FORM}` : (parentSchema?.description ?? null);
}

const KINDS: Readonly<Record<string, string>> = { array: 'a list', object: 'an object', string: 'text' };

/** A union is refused branch by branch: together they are what the field may be. null: it was something else. */
function alternatives(mistakes: Mistakes, instancePath: string): string | null {
  const right: string[] = [];
  for (const { instancePath: path, keyword, params } of mistakes) {
    if (path !== instancePath) continue;
    if (keyword === 'const') right.push(JSON.stringify(params.allowedValue));
    else if (keyword === 'enum')
      right.push(...(params.allowedValues as unknown[]).map((value) => JSON.stringify(value)));
    else if (keyword === 'type') right.push(...[params.type as string].flat().map((type) => KINDS[type] ?? type));
    else if (keyword !== 'anyOf') return null;
  }
  // Where some words are named, any other text is not.
  const named = right.some((one) => one.startsWith('"'));
  const all = [...new Set(right)].filter((one) => !named || one !== KINDS.string);
  return all.length < 2 ? (all[0] ?? null) : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}
