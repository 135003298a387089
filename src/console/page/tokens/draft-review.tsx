/** What a new token comes to, in one place, before it is made. */
import { useTranslate } from '../preferences.tsx';
import type { SectionProps } from './section-props.ts';

export function DraftReview({ draft }: SectionProps) {
  const t = useTranslate();
  const { name, kind, owner, expiry, scopes, allGrant, workspaces } = draft;
  const end =
    expiry === 'never'
      ? t('tokens.neverExpires')
      : expiry === ''
        ? t('new.expiry.policy')
        : t('new.expiry.days', { count: Number(expiry) });
  return (
    <section className="card">
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
      </dl>
    </section>
  );
}
