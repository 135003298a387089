/** Where a new token works: in chosen workspaces, or in all that the policy lets its owner give. */
import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { workspacesQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { CheckLine } from '../parts/check-line.tsx';
import { FormField } from '../parts/form-field.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { useTranslate } from '../preferences.tsx';
import type { SectionProps } from './section-props.ts';
import { wordsOf } from './token-draft.ts';

export function WorkspaceSection(props: SectionProps) {
  const { kind, draft, mistakeOf, change } = props;
  const t = useTranslate();
  const group = useId();
  const caller = useCaller();
  const mayBeAll = kind.selectable.some(({ all }) => all !== null);
  const mistake = mistakeOf('workspaces');
  return (
    <section className="card stack">
      <h2>{t('tokens.workspaces')}</h2>
      {mistake !== undefined && <p className="mistake">{mistake}</p>}
      {mayBeAll && (
        <fieldset aria-label={t('tokens.workspaces')}>
          <CheckLine
            group={group}
            label={t('new.workspaces.chosen')}
            isOn={draft.allGrant === null}
            onChange={() => change({ allGrant: null })}
          />
          <CheckLine
            group={group}
            label={t('new.workspaces.all')}
            hint={t('new.workspaces.all.hint')}
            isOn={draft.allGrant !== null}
            onChange={() => change({ allGrant: 'all' })}
          />
        </fieldset>
      )}
      {draft.allGrant === null && (caller.kind === 'operator' ? <Listed {...props} /> : <Typed {...props} />)}
    </section>
  );
}

function Listed({ org, draft, change }: SectionProps) {
  const t = useTranslate();
  const { data, error, refetch } = useQuery(workspacesQuery(org));
  const [part, setPart] = useState('');
  const sought = part.trim().toLowerCase();
  const shown = (data?.items ?? []).filter(({ id, name }) => `${id} ${name}`.toLowerCase().includes(sought));
  return (
    <>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {(data?.items.length ?? 0) > 8 && (
        <FormField label={t('new.workspaces.find')}>
          {(control) => (
            <input {...control} type="search" value={part} onChange={(event) => setPart(event.target.value)} />
          )}
        </FormField>
      )}
      {data?.items.length === 0 && <p className="soft">{t('new.workspaces.none')}</p>}
      <div className="columns tall">
        {shown.map(({ id, name }) => (
          <CheckLine
            key={id}
            label={name}
            hint={id}
            isOn={draft.workspaces.has(id)}
            onChange={(isOn) => {
              const workspaces = new Set(draft.workspaces);
              isOn ? workspaces.add(id) : workspaces.delete(id);
              change({ workspaces });
            }}
          />
        ))}
      </div>
    </>
  );
}

/** For whoever may not list them. */
function Typed({ draft, change }: SectionProps) {
  const t = useTranslate();
  const [text, setText] = useState([...draft.workspaces].join(' '));
  return (
    <FormField label={t('new.workspaces.ids')} hint={t('new.workspaces.ids.hint')}>
      {(control) => (
        <input
          {...control}
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            change({ workspaces: new Set(wordsOf(event.target.value)) });
          }}
        />
      )}
    </FormField>
  );
}
