/** Judges by itself what one row says, as the sidecar's schema would. Whether names stand for something the sidecar says. */
import type { Static } from 'typebox';
import { Check, Errors } from 'typebox/schema';
import { ImportedTokenBody } from '../admin/schemas.ts';
import { isId } from '../core/facts.ts';
import { PASTED_TOKEN, pastedTokens } from '../core/pasted-token.ts';
import { ID_FORM } from '../manage/context.ts';
import type { ImportRow } from './rows.ts';

export type TokenToImport = Static<typeof ImportedTokenBody>;

export interface Checked {
  readonly line: number;
  readonly organization: string;
  readonly token: TokenToImport;
}

/** `organization`: for rows that name none. Answers with what is wrong, without a value: one may be a token. */
export function checkRow({ line, data }: ImportRow, organization: string | undefined): Checked | string {
  const { organization: named = organization, ...token } = data;
  if (named === undefined) return 'names no "organization", and --organization gives none';
  if (typeof named !== 'string' || !isId(named)) return `organization must be an id: ${ID_FORM}`;
  if (!Check(ImportedTokenBody, token)) return describe(token);
  const [pasted] = pastedTokens(token);
  return pasted === undefined ? { line, organization: named, token } : `${pasted.path.join('.')} ${PASTED_TOKEN}`;
}

interface Mistake {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly message: string;
  readonly params: {
    readonly additionalProperties?: readonly string[];
    readonly requiredProperties?: readonly string[];
  };
}

function describe(token: object): string {
  const mistakes = Errors(ImportedTokenBody, token)[1] as Mistake[];
  const [strange] = mistakes.flatMap(({ params }) => params.additionalProperties ?? []);
  if (strange !== undefined) return unknown(strange);
  const [missing] = mistakes.flatMap(({ params }) => params.requiredProperties ?? []);
  if (missing !== undefined) return `${missing} is missing`;
  const { instancePath, keyword, schemaPath, message } = mistakes[0]!;
  const [, field = '', ...within] = instancePath.split('/');
  const { description } = (ImportedTokenBody.properties as Record<string, { description?: string }>)[field] ?? {};
  // What a pattern or the branches of a union ask for is said by the description.
  return description !== undefined && (keyword === 'pattern' || schemaPath.includes('anyOf'))
    ? `${field} must be ${description}`
    : `${[field, ...within].join('.')} ${message}`;
}

function unknown(name: string): string {
  if (name === 'token') return 'holds a token itself; give its hash: printf %s "$TOKEN" | sha256sum';
  return `unknown field ${JSON.stringify(name.slice(0, 40))}`;
}
