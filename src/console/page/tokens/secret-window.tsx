/** The value of a token, this once. Nobody leaves it by mistake: closing asks whether it is stored. */
import { type ReactNode, useEffect, useId, useState } from 'react';
import { Button } from '../parts/button.tsx';
import { CopiedLine } from '../parts/notes.tsx';
import { PageWindow } from '../parts/window.tsx';
import { useTranslate } from '../preferences.tsx';

interface Props {
  readonly name: string;
  /** null: closed. */
  readonly secret: string | null;
  /** Under which a program finds it in its environment. */
  readonly variable?: string;
  /** How to try it. */
  readonly children?: ReactNode;
  onClose(): void;
}

export function SecretWindow({ name, secret, variable = 'SCOPEGATE_TOKEN', children, onClose }: Props) {
  const t = useTranslate();
  const id = useId();
  const [isStored, setStored] = useState(false);
  const [isWarned, setWarned] = useState(false);
  useEffect(() => {
    if (secret === null) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [secret]);
  const close = () => {
    if (!isStored) return setWarned(true);
    setStored(false);
    setWarned(false);
    onClose();
  };
  return (
    <PageWindow isOpen={secret !== null} title={t('secret.title', { name })} onClose={close}>
      <p>{t('secret.once')}</p>
      <CopiedLine text={secret ?? ''} />
      <p className="soft small">{t('secret.env')}</p>
      <CopiedLine text={`${variable}=${secret ?? ''}`} />
      {children}
      <div className="check">
        <input id={id} type="checkbox" checked={isStored} onChange={(event) => setStored(event.target.checked)} />
        <label htmlFor={id}>{t('secret.stored')}</label>
      </div>
      {isWarned && !isStored && (
        <div className="note warn" role="alert">
          <p>{t('secret.notStored')}</p>
        </div>
      )}
      <div className="ends">
        <Button kind="first" onClick={close}>
          {t('app.close')}
        </Button>
      </div>
    </PageWindow>
  );
}
