/** One event of the audit trail as people read it: what was done, by whom, and what was before and after. */
import type { KnownNames } from '../api/names.ts';
import { KnownBy } from '../parts/known-by.tsx';
import { useTranslate } from '../preferences.tsx';
import { en } from '../text/en.ts';
import type { MessageKey } from '../text/messages.ts';
import { type AuditEvent, actorIdOf, targetNameOf } from './audit-queries.ts';

/** `code`: as programs know it. Both are the same where no words are known. */
export function useActWords({ action, target }: AuditEvent): { readonly words: string; readonly code: string } {
  const t = useTranslate();
  const [type = '', verb = ''] = action.split('.');
  const [typeKey, verbKey] = [`audit.type.${type}`, `audit.verb.${verb}`];
  if (typeKey in en && verbKey in en)
    return { words: `${t(typeKey as MessageKey)} ${t(verbKey as MessageKey)}`, code: action };
  const targetKey = `audit.type.${target?.type}`;
  // Of a refused attempt: the call.
  return {
    words: targetKey in en ? `${t(targetKey as MessageKey)}: ${action.split(' ', 1)[0]}` : action,
    code: action,
  };
}

export function EventActor({ event, names }: { readonly event: AuditEvent; readonly names: KnownNames }) {
  const t = useTranslate();
  const { actor } = event;
  const of = actorIdOf(event);
  if (actor.kind === 'admin-key') return <>{t('audit.adminKey')}</>;
  return (
    <>
      {of === null ? actor.id : <KnownBy names={names} of={of} />}
      {actor.tokenId !== null && <span className="sub">{t('audit.byToken', { id: actor.tokenId })}</span>}
      {actor.kind === 'client' && <span className="sub">{t('audit.byClient')}</span>}
    </>
  );
}

export function EventTarget({ event, names }: { readonly event: AuditEvent; readonly names: KnownNames }) {
  const { target } = event;
  if (target === null) return <span className="soft">–</span>;
  const name = targetNameOf(event, names);
  if (name === null) return <span className="mono">{target.id}</span>;
  return (
    <span>
      {name}
      <span className="sub mono">{target.id}</span>
    </span>
  );
}

type Fields = Readonly<Record<string, unknown>>;

export function EventDetails({ event }: { readonly event: AuditEvent }) {
  const t = useTranslate();
  const { id, code, detail } = event;
  const [before, after] = [fieldsOf(event.before), fieldsOf(event.after)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return (
    <div className="stack">
      {names.length > 0 && (
        <table className="changes">
          <caption className="hidden">{t('audit.details')}</caption>
          <thead>
            <tr>
              {(['field', 'before', 'after'] as const).map((column) => (
                <th key={column} scope="col">
                  {t(`audit.${column}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td data-label={t('audit.before')}>
                  <FieldValue value={before[name]} />
                </td>
                <td data-label={t('audit.after')}>
                  <FieldValue value={after[name]} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {names.length === 0 && code === null && <p className="soft">{t('audit.nothing')}</p>}
      <dl className="facts">
        {code !== null && (
          <>
            <dt>{t('audit.code')}</dt>
            <dd>
              <code>{code}</code>
            </dd>
          </>
        )}
        {detail !== null && (
          <>
            <dt>{t('audit.reason')}</dt>
            <dd>{detail}</dd>
          </>
        )}
        <dt>{t('audit.id')}</dt>
        <dd>
          <code>{id}</code>
        </dd>
      </dl>
    </div>
  );
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function FieldValue({ value }: { readonly value: unknown }) {
  if (value === undefined || value === null) return <span className="soft">–</span>;
  if (typeof value === 'string') return <>{value}</>;
  return (
    <code>
      {Array.isArray(value) && value.every((each) => typeof each === 'string')
        ? value.join(', ')
        : JSON.stringify(value)}
    </code>
  );
}
