/** What a token was refused lately, as far as the gateway processes remember it, with the ways on from each. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { tokenRefusalsQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { Instant } from '../parts/instant.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { useTranslate } from '../preferences.tsx';
import { tokensPath } from './token-paths.ts';

export function RefusalsSection({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const { kinds } = useCaller();
  const { data, error, refetch } = useQuery(tokenRefusalsQuery(org, id));
  const below = `/o/${encodeURIComponent(org)}`;
  return (
    <section className="card stack">
      <h2>{t('token.refusals')}</h2>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <p className="soft">{t('app.loading')}</p>}
      {data?.items.length === 0 && <p className="soft">{t('token.refusals.none')}</p>}
      {data !== undefined && data.items.length > 0 && (
        <ul className="rights refused">
          {data.items.map(({ id: decision, at, method, path, reason }) => (
            <li key={decision}>
              <div className="stack tight">
                <code>
                  {method} {path}
                </code>
                <span className="soft small">
                  {reason} · <Instant at={at} />
                </span>
              </div>
              <span className="row">
                <Link href={`${below}/explain?id=${decision}`}>{t('token.refusals.explain')}</Link>
                {reason === 'scope_missing' && kinds.length > 0 && (
                  <Link href={`${tokensPath(org)}/new?refusal=${decision}`}>{t('token.refusals.create')}</Link>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
      {data?.unanswered != null && data.unanswered.length > 0 && (
        <p className="soft small">{t('token.refusals.unanswered', { count: data.unanswered.length })}</p>
      )}
    </section>
  );
}
