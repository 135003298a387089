/** What the page of explanations asks of the API. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { askNames, type KnownNames } from '../api/names.ts';
import { idsOfExplanation } from './explained-ids.ts';

export type ExplainQuestion = Shapes['ExplainInput'] | Shapes['ExplainById'];
export type NamedExplanation = Shapes['Explanation'] & { readonly names: KnownNames };

/** Asked anew each time: what it rests on changes. */
export const explanationQuery = (question: ExplainQuestion) =>
  queryOptions({
    queryKey: ['explanation', question],
    queryFn: async (): Promise<NamedExplanation> => {
      const answer = await answerOf(api.POST('/v1/explain', { body: question }));
      const org = 'organization' in question ? question.organization : (answer.decided?.organization ?? null);
      return { ...answer, names: org === null ? new Map() : await askNames(org, idsOfExplanation(answer)) };
    },
    staleTime: 0,
  });
