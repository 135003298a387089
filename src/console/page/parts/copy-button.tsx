/** Puts a text on the clipboard and says that it did. */
import { useState } from 'react';
import { useTranslate } from '../preferences.tsx';
import { Button } from './button.tsx';

export function CopyButton({ text, onCopied }: { readonly text: string; readonly onCopied?: () => void }) {
  const t = useTranslate();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      onCopied?.();
    } catch {
      // Not allowed here: whoever reads it can select it.
    }
  };
  return (
    <>
      <Button onClick={() => void copy()}>{t(copied ? 'app.copied' : 'app.copy')}</Button>
      <span className="hidden" role="status">
        {copied ? t('app.copied') : ''}
      </span>
    </>
  );
}
