/** What something new may do: the policy's scopes, by category, with all or none of one at a press. */
import { useState } from 'react';
import type { Shapes } from '../api/client.ts';
import { Button } from '../parts/button.tsx';
import { CheckLine } from '../parts/check-line.tsx';
import { FormField } from '../parts/form-field.tsx';
import { useTranslate } from '../preferences.tsx';
import type { SectionProps } from './section-props.ts';
import { givenBy, MANAGE_SCOPE } from './token-draft.ts';

type Scope = Shapes['Policy']['scopes'][number];

/** Beyond so many, categories are closed at first, or nobody finds the next section. */
const OPEN_MAX = 24;

interface ScopeProps {
  readonly policy: Pick<SectionProps['policy'], 'scopes'>;
  readonly kind: Pick<SectionProps['kind'], 'authority'>;
  readonly draft: Pick<SectionProps['draft'], 'scopes'>;
  /** undefined: nobody limits it, or it is not known yet. */
  readonly grantable?: SectionProps['grantable'];
  mistakeOf(...fields: readonly string[]): string | undefined;
  change(part: Pick<SectionProps['draft'], 'scopes'>): void;
}

export function ScopeSection({ policy, kind, draft, grantable, mistakeOf, change }: ScopeProps) {
  const t = useTranslate();
  const [part, setPart] = useState('');
  const sought = part.trim().toLowerCase();
  const isLong = policy.scopes.length > OPEN_MAX;
  const manage = { name: MANAGE_SCOPE, category: t('new.scopes.console'), description: t('new.scopes.manage') };
  const known = kind.authority === 'live' ? [...policy.scopes, manage] : policy.scopes;
  const given = grantable === undefined ? null : new Set(grantable.scopes);
  const isBeyond = (name: string) => given?.has(name) === false;
  // What its owner may not give is not offered; what was chosen is there to be taken away.
  const all = known.filter(({ name }) => !isBeyond(name) || draft.scopes.has(name));
  const beyond = [...draft.scopes].filter(isBeyond);
  const found = all.filter((scope) => Object.values(scope).join(' ').toLowerCase().includes(sought));
  const mistake = mistakeOf('scopes');
  const set = (names: readonly string[], isOn: boolean) => {
    const scopes = new Set(draft.scopes);
    for (const name of names) isOn ? scopes.add(name) : scopes.delete(name);
    change({ scopes });
  };
  const hintOf = ({ name, description }: Scope): string => {
    if (isBeyond(name)) return t('new.scopes.beyondOwner', { owner: grantable!.owner });
    const wider = givenBy(name, draft.scopes);
    return wider === null ? description : `${description} · ${t('new.scopes.givenBy', { scope: wider })}`;
  };
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{t('tokens.scopes')}</h2>
        <span className="soft small" role="status">
          {t('new.chosen', { count: draft.scopes.size })}
        </span>
      </div>
      {mistake !== undefined && <p className="mistake">{mistake}</p>}
      {beyond.length > 0 && (
        <div className="row">
          <Button onClick={() => set(beyond, false)}>{t('new.scopes.dropBeyond', { owner: grantable!.owner })}</Button>
        </div>
      )}
      {isLong && (
        <FormField label={t('new.scopes.find')}>
          {(control) => (
            <input {...control} type="search" value={part} onChange={(event) => setPart(event.target.value)} />
          )}
        </FormField>
      )}
      {found.length === 0 && <p className="soft">{t('new.scopes.none')}</p>}
      <div>
        {[...Map.groupBy(found, ({ category }) => category)].map(([category, scopes]) => (
          <Category
            key={`${category} ${sought === ''}`}
            name={category}
            scopes={scopes}
            chosen={draft.scopes}
            hintOf={hintOf}
            isOpenAtFirst={!isLong || sought !== ''}
            set={set}
          />
        ))}
      </div>
    </section>
  );
}

interface CategoryProps {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly chosen: ReadonlySet<string>;
  readonly isOpenAtFirst: boolean;
  hintOf(scope: Scope): string;
  set(names: readonly string[], isOn: boolean): void;
}

function Category({ name, scopes, chosen, isOpenAtFirst, hintOf, set }: CategoryProps) {
  const t = useTranslate();
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  const names = scopes.map((scope) => scope.name);
  const count = names.filter((each) => chosen.has(each)).length;
  return (
    <details className="group" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <b>{name}</b> <span className="soft small">{t('new.chosenOf', { count, all: names.length })}</span>
      </summary>
      <fieldset aria-label={name} className="stack tight">
        {names.length > 1 && (
          <div className="row">
            <Button kind="quiet" disabled={count === names.length} onClick={() => set(names, true)}>
              {t('new.selectAll')}
            </Button>
            <Button kind="quiet" disabled={count === 0} onClick={() => set(names, false)}>
              {t('new.clear')}
            </Button>
          </div>
        )}
        <div className="columns">
          {scopes.map((scope) => (
            <CheckLine
              key={scope.name}
              label={<code>{scope.name}</code>}
              hint={hintOf(scope)}
              isOn={chosen.has(scope.name)}
              onChange={(isOn) => set([scope.name], isOn)}
            />
          ))}
        </div>
      </fieldset>
    </details>
  );
}
