/** Which routes a token reaches, of how many, and what stands in the way of the others: by method, and one by one. */
import { useId, useState } from 'react';
import type { Shapes } from '../api/client.ts';
import { FormField } from '../parts/form-field.tsx';
import { useTranslate } from '../preferences.tsx';
import { en } from '../text/en.ts';
import type { MessageKey } from '../text/messages.ts';

type Reach = Shapes['TokenReach'];
type Item = Reach['items'][number];
const SHOWN = ['all', 'reached', 'lost'] as const;

export function ReachView({ reach }: { readonly reach: Reach }) {
  const t = useTranslate();
  const id = useId();
  const [shown, setShown] = useState<(typeof SHOWN)[number]>('all');
  const { routes, reached, lost, items } = reach;
  const chosen = items.filter(({ reason }) => shown === 'all' || (reason === null) === (shown === 'reached'));
  const groups = Map.groupBy(chosen, methodOf);
  return (
    <div className="stack reach">
      <div className="stack tight">
        <p id={id} className="reach-sum">
          {t('reach.sum', { count: reached, all: routes })}
        </p>
        <meter aria-labelledby={id} min={0} max={Math.max(routes, 1)} value={reached} />
        {reach.public > 0 && <p className="soft small">{t('reach.public', { count: reach.public })}</p>}
      </div>
      {lost.length > 0 && (
        <ul className="stack tight" aria-label={t('reach.lost')}>
          {lost.map(({ reason, routes: count }) => (
            <li key={reason}>{t('reach.lostBy', { count, why: whyText(reason, t) })}</li>
          ))}
        </ul>
      )}
      {items.length > 0 && (
        <FormField label={t('reach.show')}>
          {(control) => (
            <select {...control} value={shown} onChange={(event) => setShown(event.target.value as 'all')}>
              {SHOWN.map((each) => (
                <option key={each} value={each}>
                  {t(`reach.show.${each}`)}
                </option>
              ))}
            </select>
          )}
        </FormField>
      )}
      <div>
        {[...groups].map(([method, those]) => (
          <MethodGroup key={method} method={method} items={those} />
        ))}
      </div>
      {reach.nextCursor !== null && <p className="soft small">{t('reach.cut', { count: items.length })}</p>}
    </div>
  );
}

/** Under the first: GET serves HEAD anyway. */
function methodOf({ methods }: Item): string {
  return methods === null ? '*' : (methods.find((method) => method !== 'HEAD') ?? methods[0]!);
}

function MethodGroup({ method, items }: { readonly method: string; readonly items: readonly Item[] }) {
  const t = useTranslate();
  const count = items.filter(({ reason }) => reason === null).length;
  return (
    <details className="group">
      <summary>
        <b className="mono">{method === '*' ? t('reach.otherMethods') : method}</b>{' '}
        <span className="soft small">{t('reach.ofMethod', { count, all: items.length })}</span>
      </summary>
      <ul className="reach-routes">
        {items.map((item) => (
          <li key={item.route}>
            <code>{item.path}</code>
            <span className="soft small">{item.route}</span>
            <span className={`badge small ${item.reason === null ? 'good' : 'none'}`}>{verdict(item, t)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

type Words = ReturnType<typeof useTranslate>;

/** In words where there are some for it; else as the API calls it. */
function whyText(reason: string, t: Words): string {
  const key = `reach.why.${reason}`;
  return key in en ? t(key as MessageKey) : reason;
}

function verdict({ reason, missing, ownerLacks, role, relation }: Item, t: Words): string {
  if (reason === null) return relation === null ? t('reach.yes') : t('reach.yesIf', { relation });
  if (reason === 'scope_missing') {
    if (ownerLacks.length > 0) return t('reach.ownerLacks', { scopes: ownerLacks.join(', ') });
    return t('reach.lacks', { scopes: missing.join(', ') });
  }
  if (reason === 'role_insufficient') return t('reach.needsRole', { role: role ?? '' });
  return whyText(reason, t);
}
