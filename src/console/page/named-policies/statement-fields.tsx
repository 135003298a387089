/** The statements of a named policy as they are written: each with its effect, actions and resources. */
import { Button } from '../parts/button.tsx';
import { ChoiceField } from '../parts/choice-field.tsx';
import { TextField } from '../parts/text-field.tsx';
import { useTranslate } from '../preferences.tsx';
import type { DraftStatement } from './named-policy-queries.ts';

export const FIRST_STATEMENT: DraftStatement = { line: 1, effect: 'allow', actions: '', resources: '*' };

interface Props {
  readonly statements: readonly DraftStatement[];
  readonly mistake: string | undefined;
  onChange(statements: readonly DraftStatement[]): void;
}

export function StatementFields({ statements, mistake, onChange }: Props) {
  const t = useTranslate();
  const change = (line: number, part: Partial<DraftStatement>) =>
    onChange(statements.map((each) => (each.line === line ? { ...each, ...part } : each)));
  const add = () => onChange([...statements, { ...FIRST_STATEMENT, line: (statements.at(-1)?.line ?? 0) + 1 }]);
  return (
    <>
      {mistake !== undefined && <p className="mistake">{mistake}</p>}
      {statements.map(({ line, effect, actions, resources }, nth) => (
        <fieldset key={line} className="card stack" aria-label={t('policy.statement', { nth: nth + 1 })}>
          <div className="row spread">
            <h3>{t('policy.statement', { nth: nth + 1 })}</h3>
            {statements.length > 1 && (
              <Button
                kind="quiet"
                aria-label={t('policy.statement.removeOf', { nth: nth + 1 })}
                onClick={() => onChange(statements.filter((each) => each.line !== line))}
              >
                {t('policy.statement.remove')}
              </Button>
            )}
          </div>
          <ChoiceField
            label={t('policy.effect')}
            options={[
              ['allow', t('policy.effect.allow')],
              ['deny', t('policy.effect.deny')],
            ]}
            value={effect}
            onChange={(chosen) => change(line, { effect: chosen })}
          />
          <TextField
            label={t('policy.actions')}
            hint={t('policy.actions.hint')}
            isLong
            isWord
            value={actions}
            onChange={(typed) => change(line, { actions: typed })}
          />
          <TextField
            label={t('policy.resources')}
            hint={t('policy.resources.hint')}
            isLong
            isWord
            value={resources}
            onChange={(typed) => change(line, { resources: typed })}
          />
        </fieldset>
      ))}
      <div>
        <Button onClick={add}>{t('policy.statement.add')}</Button>
      </div>
    </>
  );
}
