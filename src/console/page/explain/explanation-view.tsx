/** An explanation: the outcome, every check with what it saw and where that is written, and the least that would let it through. */
import type { Shapes } from '../api/client.ts';
import { CopiedLine } from '../parts/notes.tsx';
import { useTranslate } from '../preferences.tsx';
import { en } from '../text/en.ts';
import type { MessageKey } from '../text/messages.ts';

type Explanation = Shapes['Explanation'];
type Check = Explanation['checks'][number];

const OUTCOMES: Readonly<Record<Explanation['outcome'], string>> = { allowed: 'good', refused: 'bad', depends: 'warn' };
const RESULTS: Readonly<Record<Check['result'], string>> = {
  ...{ passed: 'good', failed: 'bad', wouldPass: 'none', wouldFail: 'warn', notAsked: 'none', open: 'warn' },
};

export function ExplanationView({ explanation }: { readonly explanation: Explanation }) {
  const t = useTranslate();
  const { outcome, reason, status, request, route, token, checks, fix } = explanation;
  return (
    <div className="stack" aria-live="polite">
      <div className={`note ${OUTCOMES[outcome]}`}>
        <h2>
          {t(`explain.outcome.${outcome}`)}
          {status !== null && ` · ${status}`}
          {reason !== null && (
            <>
              {' · '}
              <code>{reason}</code>
            </>
          )}
        </h2>
        <p>
          <code>
            {request.method} {request.path}
          </code>
          {route !== null && ` → ${route.id}`}
          {token !== null && ` · ${token.name}`}
        </p>
      </div>
      {fix !== null && fix.length > 0 && (
        <section className="card stack">
          <h2>{t('explain.fix')}</h2>
          {fix.map(({ change, command }) => (
            <div key={command} className="stack tight">
              <p>{change}</p>
              <CopiedLine text={command} />
            </div>
          ))}
        </section>
      )}
      {fix === null && outcome === 'refused' && <p className="soft">{t('explain.noFix')}</p>}
      <CheckTable checks={checks} />
    </div>
  );
}

function CheckTable({ checks }: { readonly checks: readonly Check[] }) {
  const t = useTranslate();
  return (
    <div className="table-box">
      <table>
        <caption className="hidden">{t('explain.checks')}</caption>
        <thead>
          <tr>
            {(['check', 'result', 'values', 'sources'] as const).map((column) => (
              <th key={column} scope="col">
                {t(`explain.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {checks.map((check) => (
            <tr key={`${check.number} ${check.name}`}>
              <td className="name">
                <b>
                  {check.number}. {nameOf(check.name, t)}
                </b>
              </td>
              <td data-label={t('explain.result')}>
                <span className={`badge ${RESULTS[check.result]}`}>{t(`explain.result.${check.result}`)}</span>
              </td>
              <td data-label={t('explain.values')}>
                <Values values={check.values} />
              </td>
              <td data-label={t('explain.sources')} className="mono small">
                {check.sources.map(sourceOf).join('\n') || '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A check that has no name here yet has that of the API. */
function nameOf(name: string, t: ReturnType<typeof useTranslate>): string {
  const key = `explain.check.${name}`;
  return key in en ? t(key as MessageKey) : name;
}

function Values({ values }: { readonly values: unknown }) {
  const shown = Object.entries((values ?? {}) as Readonly<Record<string, unknown>>);
  if (shown.length === 0) return '–';
  return shown.map(([name, value]) => (
    <div key={name}>
      <span className="soft">{name}</span>{' '}
      {Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : JSON.stringify(value)}
    </div>
  ));
}

function sourceOf({ file, line, column, record, field }: Check['sources'][number]): string {
  if (file !== undefined) return `${file}:${line}:${column}`;
  return `${record ?? ''}${field === undefined ? '' : ` ${field}`}`;
}
