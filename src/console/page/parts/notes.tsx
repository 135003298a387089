/** What stands where something else should: an error with its code, an empty list with the way to fill it, a wait. */
import type { ReactNode } from 'react';
import { ApiError } from '../api/client.ts';
import { useTranslate } from '../preferences.tsx';
import { en } from '../text/en.ts';
import type { MessageKey } from '../text/messages.ts';
import { Button } from './button.tsx';
import { CopyButton } from './copy-button.tsx';

export function ErrorNote({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const t = useTranslate();
  const known = error instanceof ApiError ? error : null;
  const hint = `error.hint.${known?.code}`;
  return (
    <div className="note bad" role="alert">
      <h3>{t('error.title')}</h3>
      <p>{known === null || known.status === 0 ? t('error.unreachable') : known.message}</p>
      {hint in en && <p>{t(hint as MessageKey)}</p>}
      {known !== null && (
        <div className="codes">
          <span>
            {t('error.code')} <code>{known.code}</code>
          </span>
          {known.field !== null && (
            <span>
              {t('error.field')} <code>{known.field}</code>
            </span>
          )}
          {known.requestId !== null && (
            <span>
              {t('error.requestId')} <code>{known.requestId}</code>
            </span>
          )}
          {onRetry !== undefined && (
            <Button kind="quiet" onClick={onRetry}>
              {t('app.retry')}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

/** `command`: what fills it from the command line. */
export function EmptyNote(props: {
  readonly title: string;
  readonly hint?: string;
  readonly command?: string;
  readonly children?: ReactNode;
}) {
  const { title, hint, command, children } = props;
  return (
    <div className="card empty">
      <h2>{title}</h2>
      {hint !== undefined && <p className="soft">{hint}</p>}
      {command !== undefined && <CopiedLine text={command} />}
      {children}
    </div>
  );
}

export function CopiedLine({ text }: { readonly text: string }) {
  return (
    <div className="command">
      <code>{text}</code>
      <CopyButton text={text} />
    </div>
  );
}

export function Waiting() {
  return <p className="waiting">{useTranslate()('app.loading')}</p>;
}
