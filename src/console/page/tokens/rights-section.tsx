/** The rights of a token: granted, used and never used; and fewer of them, down to those that it was seen to use. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api } from '../api/client.ts';
import { policyQuery } from '../api/queries.ts';
import { ConfirmAction } from '../parts/confirm-action.tsx';
import { Instant } from '../parts/instant.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { type Done, useMayEdit } from './token-actions.tsx';
import { type ShownToken, usedScopesOf } from './token-words.tsx';

interface Props {
  readonly org: string;
  readonly token: ShownToken;
  onDone(done: Done): void;
}

export function RightsSection(props: Props) {
  const t = useTranslate();
  const { scopes, scopesUsed, scopesUsedSince } = props.token;
  const days = new Map(scopesUsed.map(({ scope, lastUsedOn }) => [scope, lastUsedOn]));
  const shown = scopes ?? [...days.keys()];
  const used = usedScopesOf(props.token);
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{t('rights.title')}</h2>
        {scopes !== null && (
          <span className="soft small">{t('rights.used', { count: used.length, all: scopes.length })}</span>
        )}
      </div>
      <p className="soft small">
        {scopesUsedSince === null ? t('rights.unknown') : t('rights.since', { day: scopesUsedSince })}
      </p>
      {scopes === null && <p>{t('tokens.scopes.all')}</p>}
      {shown.length > 0 && (
        <ul className="rights">
          {shown
            .toSorted((left, right) => Number(days.has(right)) - Number(days.has(left)))
            .map((scope) => (
              <li key={scope}>
                <code>{scope}</code>
                <UsedOn day={days.get(scope)} />
              </li>
            ))}
        </ul>
      )}
      <NarrowToUsed {...props} used={used} />
    </section>
  );
}

function UsedOn({ day }: { readonly day: string | undefined }) {
  const t = useTranslate();
  if (day === undefined) return <span className="badge none small">{t('rights.never')}</span>;
  return (
    <span className="badge good small">
      {t('rights.last')} <Instant at={`${day}T00:00:00.000Z`} isDay />
    </span>
  );
}

function NarrowToUsed({ org, token, used, onDone }: Props & { readonly used: readonly string[] }) {
  const t = useTranslate();
  const client = useQueryClient();
  const { data: policy } = useQuery(policyQuery);
  const kind = policy?.kinds[token.kind];
  const mayEdit = useMayEdit(token, kind);
  const gone = (token.scopes ?? []).filter((scope) => !used.includes(scope));
  const params = { path: { org, id: token.id }, query: WAIT };
  const body = { scopes: [...used] };
  if (!mayEdit || kind?.mutable.includes('scopes') !== true || used.length === 0 || gone.length === 0) return null;
  return (
    <div className="row">
      <ConfirmAction
        kind="plain"
        action={t('rights.narrow')}
        title={t('rights.narrow.title', { name: token.name })}
        lead={t('rights.narrow.consequence')}
        run={() => answerOf(api.PATCH('/v1/organizations/{org}/tokens/{id}', { params, body }))}
        onDone={(receipt) => {
          onDone({ done: t('rights.narrow.done', { count: gone.length }), receipt });
          void client.invalidateQueries({ queryKey: ['tokens', org] });
        }}
      >
        <dl className="facts">
          <dt>{t('rights.stays')}</dt>
          <dd>{used.join(', ')}</dd>
          <dt>{t('rights.goes')}</dt>
          <dd>{gone.join(', ')}</dd>
        </dl>
      </ConfirmAction>
    </div>
  );
}
