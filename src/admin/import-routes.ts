/** Importing tokens over HTTP. Parses and renders; the rules are in manage/import-tokens.ts. */
import type { TokenPattern } from '../core/imported-token.ts';
import { type ImportOutcome, importTokens } from '../manage/tokens/import-tokens.ts';
import { REVISION } from './examples.ts';
import { ImportReportAnswer } from './response-schemas.ts';
import { type AdminRoute, route } from './route.ts';
import { DryRunQuery, ImportBody, OrganizationParams } from './schemas.ts';

/** A thousand tokens, each with a hundred workspaces; more would hold others up while it is parsed. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** `patterns`: the forms of tokens that may be imported, asked anew at each call. */
export function importRoute(patterns: () => readonly TokenPattern[]): AdminRoute {
  return route({
    id: 'importTokens',
    method: 'POST',
    path: '/v1/organizations/:org/tokens/import',
    tag: 'tokens',
    summary: 'Import tokens of another system by their hashes, or preview that',
    description:
      'For the operator, and for administrators where the policy names an importAction. Each token is imported, found to be here already, or refused by itself: a refusal in the list has the codes of createToken, and conflict, value_empty, value_taken, value_ended, hint_unmatched, hint_too_long, created_in_future or scope_not_importable.',
    params: OrganizationParams,
    query: DryRunQuery,
    body: ImportBody,
    answer: ImportReportAnswer,
    errors: { 409: ['import_not_configured'] },
    bodyBytesMax: BODY_BYTES_MAX,
    example: {
      body: {
        tokens: [
          { sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', name: 'old', owner: 'ann' },
        ],
      },
      answer: {
        ...{ imported: 1, existing: 0, refused: 0, tokens: [{ outcome: 'imported', id: 'tok_1' }], dryRun: false },
        ...REVISION,
      },
    },
    async run({ manage, params, query, body }) {
      const dryRun = query.dryRun === 'true';
      const { outcomes, revision } = await importTokens(manage, params.org, body.tokens, patterns(), dryRun);
      const count = (outcome: ImportOutcome['outcome']) => outcomes.filter((each) => each.outcome === outcome).length;
      return {
        imported: count('imported'),
        existing: count('existing'),
        refused: count('refused'),
        tokens: outcomes.map((outcome) => outcomeView(outcome, dryRun)),
        dryRun,
        ...(revision === 0 ? {} : { revision }),
      };
    },
  });
}

/** Ids of a dry run are nobody's. */
function outcomeView(result: ImportOutcome, dryRun: boolean) {
  switch (result.outcome) {
    case 'imported':
      return { outcome: result.outcome, ...(dryRun ? {} : { id: result.doc.id }) };
    case 'existing':
      return { outcome: result.outcome, id: result.doc.id, differs: result.differs };
    case 'refused': {
      const { code, detail, field } = result.why;
      return { outcome: result.outcome, code, detail, ...(field === undefined ? {} : { field }) };
    }
  }
}
