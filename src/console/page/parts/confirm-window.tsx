/** Asks before something is done: says of what and with which consequence, and stays open with the error where it fails. */
import type { ReactNode } from 'react';
import { useTranslate } from '../preferences.tsx';
import { Button } from './button.tsx';
import { ErrorNote } from './notes.tsx';
import { PageWindow } from './window.tsx';

interface Props {
  readonly isOpen: boolean;
  readonly title: string;
  readonly action: string;
  readonly isDangerous?: boolean;
  readonly isBusy: boolean;
  /** null: none so far. */
  readonly error: unknown;
  readonly children: ReactNode;
  onConfirm(): void;
  onClose(): void;
}

export function ConfirmWindow(props: Props) {
  const { isOpen, title, action, isDangerous = false, isBusy, error, children, onConfirm, onClose } = props;
  const t = useTranslate();
  return (
    <PageWindow isOpen={isOpen} title={title} onClose={onClose}>
      {children}
      {error !== null && <ErrorNote error={error} />}
      <div className="ends">
        <Button onClick={onClose}>{t('app.cancel')}</Button>
        <Button kind={isDangerous ? 'danger first' : 'first'} isBusy={isBusy} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </PageWindow>
  );
}
