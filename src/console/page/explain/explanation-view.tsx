/** An explanation: the outcome, every check with what it saw and where that is written, the least that would let it through; then and now of one that was made. */
import { Link } from 'wouter';
import type { Shapes } from '../api/client.ts';
import { type KnownNames, nameAndId } from '../api/names.ts';
import { useCaller } from '../caller.tsx';
import { Instant } from '../parts/instant.tsx';
import { CopiedLine } from '../parts/notes.tsx';
import { useTranslate } from '../preferences.tsx';
import { en } from '../text/en.ts';
import type { MessageKey } from '../text/messages.ts';
import { tokensPath } from '../tokens/token-paths.ts';
import type { NamedExplanation } from './explain-queries.ts';
import { typeOfValue } from './explained-ids.ts';

type Explanation = Shapes['Explanation'];
type Check = Explanation['checks'][number];
type Decision = NonNullable<Explanation['decided']>;

const OUTCOMES: Readonly<Record<Explanation['outcome'], string>> = { allowed: 'good', refused: 'bad', depends: 'warn' };
const RESULTS: Readonly<Record<Check['result'], string>> = {
  ...{ passed: 'good', failed: 'bad', wouldPass: 'none', wouldFail: 'warn', notAsked: 'none', open: 'warn' },
};

export function ExplanationView({ explanation }: { readonly explanation: NamedExplanation }) {
  const t = useTranslate();
  const { outcome, fix, otherTokens, checks, names, decided = null, changes = [] } = explanation;
  return (
    <div className="stack" aria-live="polite">
      {decided === null ? (
        <Verdict explanation={explanation} />
      ) : (
        <ThenAndNow decided={decided} changes={changes} explanation={explanation} />
      )}
      {otherTokens.length > 0 && (
        <section className="card stack">
          <h2>{t('explain.otherTokens')}</h2>
          <ul>
            {otherTokens.map(({ id, name, kind }) => (
              <li key={id}>
                {name} <span className="soft">({kind})</span> <code>{id}</code>
              </li>
            ))}
          </ul>
        </section>
      )}
      {fix !== null && fix.length > 0 && (
        <section className="card stack">
          <h2>{t('explain.fix')}</h2>
          {fix.map(({ change, command }) => (
            <div key={command} className="stack tight">
              <p>{change}</p>
              <CopiedLine text={command} />
            </div>
          ))}
          {decided !== null && <NewTokenLink decided={decided} />}
        </section>
      )}
      {fix === null && outcome === 'refused' && <p className="soft">{t('explain.noFix')}</p>}
      {checks.length > 0 && <CheckTable checks={checks} names={names} />}
    </div>
  );
}

/** Whose own kinds of token there are none of could make none. */
function NewTokenLink({ decided: { id, organization, owner } }: { readonly decided: Decision }) {
  const t = useTranslate();
  const { kinds } = useCaller();
  if (organization === null || owner === null || kinds.length === 0) return null;
  return (
    <p>
      <Link href={`${tokensPath(organization)}/new?refusal=${id}`}>{t('explain.newToken')}</Link>
    </p>
  );
}

function Verdict({ explanation }: { readonly explanation: Explanation }) {
  const { outcome, reason, status, request, route, token } = explanation;
  return (
    <div className={`note ${OUTCOMES[outcome]}`}>
      <OutcomeLine outcome={outcome} reason={reason} status={status} />
      <p>
        <code>
          {request.method} {request.path}
        </code>
        {route !== null && ` → ${route.id}`}
        {token !== null && ` · ${token.name}`}
      </p>
    </div>
  );
}

function OutcomeLine({ outcome, reason, status }: Pick<Explanation, 'outcome' | 'reason' | 'status'>) {
  const t = useTranslate();
  return (
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
  );
}

interface ThenAndNowProps {
  readonly decided: Decision;
  readonly changes: NonNullable<Explanation['changes']>;
  readonly explanation: NamedExplanation;
}

/** Side by side, and below what has changed between the two. */
function ThenAndNow({ decided, changes, explanation }: ThenAndNowProps) {
  const t = useTranslate();
  const { route, token, at, names } = explanation;
  const of = (type: 'token' | 'member', id: string | null) => id && nameAndId(names, `${type}/${id}`);
  return (
    <>
      <div className="two">
        <section className={`note ${OUTCOMES[decided.outcome]}`}>
          <p className="soft small">
            {t('explain.then')} · <Instant at={decided.at} />
          </p>
          <OutcomeLine {...decided} />
          <p>
            <code>
              {decided.method} {decided.path}
            </code>
          </p>
          <p className="small">
            {[decided.route, of('token', decided.token), of('member', decided.owner), decided.address]
              .filter(Boolean)
              .join(' · ')}
          </p>
          {decided.detail !== null && <p className="small">{decided.detail}</p>}
        </section>
        <section className={`note ${OUTCOMES[explanation.outcome]}`}>
          <p className="soft small">
            {t('explain.now')} · <Instant at={at} />
          </p>
          <OutcomeLine {...explanation} />
          <p className="small">{[route?.id, token?.name].filter(Boolean).join(' · ')}</p>
          {decided.altered && <p className="small">{t('explain.altered')}</p>}
        </section>
      </div>
      {changes.length === 0 ? <p className="soft">{t('explain.unchanged')}</p> : <ChangeTable changes={changes} />}
    </>
  );
}

function ChangeTable({ changes }: Pick<ThenAndNowProps, 'changes'>) {
  const t = useTranslate();
  return (
    <div className="table-box">
      <table>
        <caption className="hidden">{t('explain.changes')}</caption>
        <thead>
          <tr>
            {(['changes', 'then', 'now'] as const).map((column) => (
              <th key={column} scope="col">
                {t(`explain.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {changes.map(({ what, before, after }) => (
            <tr key={what}>
              <td className="name">
                <code>{what}</code>
              </td>
              <td data-label={t('explain.then')}>{before ?? <span className="soft">{t('app.none')}</span>}</td>
              <td data-label={t('explain.now')}>{after ?? <span className="soft">{t('app.none')}</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CheckTable({ checks, names }: { readonly checks: readonly Check[]; readonly names: KnownNames }) {
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
                <Values check={check} names={names} />
              </td>
              <td data-label={t('explain.sources')} className="mono small sources">
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

/** More than so many are told when they are asked for. */
const SHOWN_MAX = 8;

function Values({ check, names }: { readonly check: Check; readonly names: KnownNames }) {
  const shown = Object.entries((check.values ?? {}) as Readonly<Record<string, unknown>>).filter(
    ([, value]) => value !== null,
  );
  if (shown.length === 0) return '–';
  return (
    <div>
      {shown.map(([name, value]) => {
        const type = typeOfValue(check, name);
        const named = (each: string) => (type === null ? each : nameAndId(names, `${type}/${each}`));
        return (
          <div key={name}>
            <span className="soft">{name}</span>{' '}
            {Array.isArray(value) ? (
              <ListedValues all={value.map((each) => named(String(each)))} />
            ) : typeof value === 'string' ? (
              named(value)
            ) : (
              JSON.stringify(value)
            )}
          </div>
        );
      })}
    </div>
  );
}

function ListedValues({ all }: { readonly all: readonly string[] }) {
  const t = useTranslate();
  const rest = all.slice(SHOWN_MAX);
  return (
    <>
      {all.slice(0, SHOWN_MAX).join(', ')}
      {rest.length > 0 && (
        <details>
          <summary className="soft">{t('cascade.more', { count: rest.length })}</summary>
          {rest.join(', ')}
        </details>
      )}
    </>
  );
}

function sourceOf({ file, line, column, record, field }: Check['sources'][number]): string {
  if (file !== undefined) return `${file}:${line}:${column}`;
  return `${record ?? ''}${field === undefined ? '' : ` ${field}`}`;
}
