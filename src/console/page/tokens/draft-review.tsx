/** What a new token comes to, in one place, before it is made: its fields, and which routes it would reach. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { ApiError, type Shapes } from '../api/client.ts';
import { previewQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { useSettled } from '../parts/settled.ts';
import { useTranslate } from '../preferences.tsx';
import { ReachView } from './reach-view.tsx';
import type { SectionProps } from './section-props.ts';
import { inputOf, type TokenDraft } from './token-draft.ts';

export function DraftReview(props: SectionProps) {
  const { draft } = props;
  const t = useTranslate();
  const { name, kind, owner, expiry, scopes, allGrant, workspaces } = draft;
  const end =
    expiry === 'never'
      ? t('tokens.neverExpires')
      : expiry === ''
        ? t('new.expiry.policy')
        : t('new.expiry.days', { count: Number(expiry) });
  return (
    <section className="card stack">
      <h2>{t('new.review')}</h2>
      <dl className="facts">
        <dt>{t('tokens.name')}</dt>
        <dd>{name.trim() === '' ? '–' : name}</dd>
        <dt>{t('tokens.kind')}</dt>
        <dd>{kind}</dd>
        {owner !== '' && (
          <>
            <dt>{t('tokens.owner')}</dt>
            <dd>{owner}</dd>
          </>
        )}
        <dt>{t('tokens.expires')}</dt>
        <dd>{end}</dd>
        <dt>{t('tokens.scopes')}</dt>
        <dd>{scopes.size === 0 ? t('app.none') : [...scopes].join(', ')}</dd>
        <dt>{t('tokens.workspaces')}</dt>
        <dd>
          {allGrant !== null
            ? t('tokens.workspaces.all')
            : workspaces.size === 0
              ? t('app.none')
              : [...workspaces].join(', ')}
        </dd>
        {draft.environments !== null && (
          <>
            <dt>{t('tokens.environments')}</dt>
            <dd>{draft.environments.join(', ')}</dd>
          </>
        )}
      </dl>
      <h3>{t('reach.title')}</h3>
      <DraftReach {...props} />
    </section>
  );
}

/** Asked of the API, by the rules by which it would be made: what is not right yet is said in its words. */
function DraftReach({ org, draft, kind }: SectionProps) {
  const t = useTranslate();
  const caller = useCaller();
  const missing = missingOf(draft, kind, caller.kind === 'operator');
  const input = inputOf(draft);
  // Which routes it reaches is not a matter of its name.
  const asked = { ...input, name: 'preview', description: null };
  const settled = useSettled(asked, JSON.stringify(asked));
  const { data, error, refetch } = useQuery({
    ...previewQuery(org, settled),
    placeholderData: keepPreviousData,
    enabled: missing === null,
  });
  if (missing !== null)
    return (
      <p className="reach soft" role="status">
        {t(`new.needs.${missing}`)}
      </p>
    );
  const isUnfinished = error instanceof ApiError && (error.status === 422 || error.status === 400);
  if (isUnfinished)
    return (
      <div className="reach" role="status">
        <p>
          <b>{t('new.notYet')}</b>: {error.message}
        </p>
      </div>
    );
  if (error !== null) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <p className="reach soft">{t('reach.wait')}</p>;
  return <ReachView reach={data.reach} />;
}

/** What the API would ask for anyway, one after the other. */
function missingOf(
  { owner, scopes, allGrant, workspaces, primaryContact }: TokenDraft,
  kind: Shapes['TokenKind'],
  needsOwner: boolean,
): 'owner' | 'scopes' | 'workspaces' | 'contact' | null {
  if (needsOwner && owner.trim() === '') return 'owner';
  if (kind.scopesRequired && scopes.size === 0) return 'scopes';
  if (kind.workspacesRequired && allGrant === null && workspaces.size === 0) return 'workspaces';
  return kind.contactRequired && primaryContact.trim() === '' ? 'contact' : null;
}
