/** Importing tokens over HTTP. Parses and renders; the rules are in manage/import-tokens.ts. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { TokenPattern } from '../core/imported-token.ts';
import { type ImportOutcome, importTokens } from '../manage/tokens/import-tokens.ts';
import type { ContextOf } from './caller.ts';
import { ImportReport } from './response-schemas.ts';
import { DryRunQuery, ImportInput, OrganizationParams } from './schemas.ts';

type App = Parameters<FastifyPluginAsyncTypebox>[0];

/** A thousand tokens, each with a hundred workspaces; more would hold others up while it is parsed. */
const BODY_MAX = 2 * 1024 * 1024;

export function importRoutes(app: App, manage: ContextOf, patterns: () => readonly TokenPattern[]): void {
  app.post(
    '/v1/organizations/:org/tokens/import',
    {
      bodyLimit: BODY_MAX,
      schema: {
        params: OrganizationParams,
        querystring: DryRunQuery,
        body: ImportInput,
        response: { '2xx': ImportReport },
        tags: ['tokens'],
      },
    },
    async (request) => {
      const { org } = request.params;
      const dryRun = request.query.dryRun === 'true';
      const { outcomes, revision } = await importTokens(manage(request), org, request.body.tokens, patterns(), dryRun);
      const count = (outcome: ImportOutcome['outcome']) => outcomes.filter((each) => each.outcome === outcome).length;
      return {
        imported: count('imported'),
        existing: count('existing'),
        refused: count('refused'),
        tokens: outcomes.map((outcome) => view(outcome, dryRun)),
        dryRun,
        ...(revision === 0 ? {} : { revision }),
      } as never;
    },
  );
}

/** Ids of a dry run are nobody's. */
function view(result: ImportOutcome, dryRun: boolean) {
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
