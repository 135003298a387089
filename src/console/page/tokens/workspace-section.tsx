/** Where a new token works: in chosen workspaces, or in all that the policy lets its owner give. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { grantableQuery } from '../api/queries.ts';
import { CheckLine } from '../parts/check-line.tsx';
import { FormField } from '../parts/form-field.tsx';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { useSettled } from '../parts/settled.ts';
import { useTranslate } from '../preferences.tsx';
import type { SectionProps } from './section-props.ts';

export function WorkspaceSection(props: SectionProps) {
  const { kind, draft, grantable, mistakeOf, change } = props;
  const t = useTranslate();
  const group = useId();
  const rule = grantable?.workspaces;
  const mayBeAll = rule === undefined ? kind.selectable.some(({ all }) => all !== null) : rule.all !== null;
  const mayBeListed = rule?.listed !== 'none';
  const mistake = mistakeOf('workspaces');
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{t('tokens.workspaces')}</h2>
        {draft.allGrant === null && (
          <span className="soft small" role="status">
            {t('new.chosen', { count: draft.workspaces.size })}
            {rule?.listedMax != null && ` · ${t('new.workspaces.max', { count: rule.listedMax })}`}
          </span>
        )}
      </div>
      {mistake !== undefined && <p className="mistake">{mistake}</p>}
      {(mayBeAll || draft.allGrant !== null) && (
        <fieldset aria-label={t('tokens.workspaces')}>
          {mayBeListed && (
            <CheckLine
              group={group}
              label={t('new.workspaces.chosen')}
              isOn={draft.allGrant === null}
              onChange={() => change({ allGrant: null })}
            />
          )}
          <CheckLine
            group={group}
            label={t('new.workspaces.all')}
            hint={t('new.workspaces.all.hint')}
            isOn={draft.allGrant !== null}
            onChange={() => change({ allGrant: 'all' })}
          />
        </fieldset>
      )}
      {draft.allGrant === null && mayBeListed && <Listed {...props} />}
    </section>
  );
}

function Listed({ org, draft, grantable, change }: SectionProps) {
  const t = useTranslate();
  const [part, setPart] = useState('');
  const sought = useSettled(part.trim(), part.trim());
  const { owner = '', kind = '' } = grantable ?? {};
  const asked = { owner, kind, ...(sought === '' ? {} : { workspace: sought }) };
  const { data, error, refetch } = useQuery({
    ...grantableQuery(org, asked),
    enabled: grantable !== undefined,
    placeholderData: keepPreviousData,
  });
  if (grantable === undefined && draft.workspaces.size === 0)
    return <p className="choices soft">{t('new.owner.first')}</p>;
  const { items, isCut } = data?.workspaces ?? grantable?.workspaces ?? { items: [], isCut: false };
  const choose = (id: string, isOn: boolean) => {
    const workspaces = new Set(draft.workspaces);
    isOn ? workspaces.add(id) : workspaces.delete(id);
    change({ workspaces });
  };
  const shown = new Set(items.map(({ id }) => id));
  const further = sought === '' ? [...draft.workspaces].filter((id) => !shown.has(id)) : [];
  return (
    <>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {((grantable?.workspaces.items.length ?? 0) > 8 || part !== '') && (
        <FormField label={t('new.workspaces.find')} hint={isCut ? t('new.workspaces.more') : undefined}>
          {(control) => (
            <input {...control} type="search" value={part} onChange={(event) => setPart(event.target.value)} />
          )}
        </FormField>
      )}
      {grantable !== undefined && data === undefined && error === null && <Waiting />}
      {items.length === 0 && further.length === 0 && sought === '' && (
        <p className="soft">{t('new.workspaces.none.owner', { owner })}</p>
      )}
      <div className="choices columns tall">
        {further.map((id) => (
          <CheckLine key={id} label={id} isOn onChange={(isOn) => choose(id, isOn)} />
        ))}
        {items.map(({ id, name }) => (
          <CheckLine
            key={id}
            label={name}
            hint={id}
            isOn={draft.workspaces.has(id)}
            onChange={(isOn) => choose(id, isOn)}
          />
        ))}
      </div>
    </>
  );
}
