/**
 * Keys for those who know them, and the window that lists them: `g` and a letter goes to a page, `/` searches, `c` creates.
 * Never while somebody types, with another key held, or over an open window; switched off, none of them does anything.
 */
import { useEffect, useState } from 'react';
import { Button } from '../parts/button.tsx';
import { CheckLine } from '../parts/check-line.tsx';
import { PageWindow } from '../parts/window.tsx';
import { usePreferences } from '../preferences.tsx';

/** Between `g` and its letter. */
const WAIT_MS = 1500;
/** What they reach is found in the page as it is: what somebody may not see has no key either. */
const PLACES = '.nav a[data-key]';
const SEARCH = 'main input[type="search"], main form input';
const CREATE = 'main .head .button.first';

export function Keys() {
  const { t, hasKeys, setHasKeys } = usePreferences();
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    if (!hasKeys) return undefined;
    let goneAtMs = Number.NEGATIVE_INFINITY;
    const press = (event: KeyboardEvent) => {
      if (!isForKeys(event)) return;
      const isGoing = event.timeStamp - goneAtMs < WAIT_MS;
      goneAtMs = event.key === 'g' && !isGoing ? event.timeStamp : Number.NEGATIVE_INFINITY;
      if (!isGoing && event.key === '?') setIsOpen(true);
      const target = isGoing ? placeOf(event.key) : TARGETS[event.key]?.();
      if (target === undefined || target === null) return;
      // Or the letter would stand in what is being typed next.
      event.preventDefault();
      if (target instanceof HTMLInputElement) target.focus();
      else target.click();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [hasKeys]);
  return (
    <>
      <Button onClick={() => setIsOpen(true)}>{t('keys.title')}</Button>
      <PageWindow isOpen={isOpen} title={t('keys.title')} onClose={() => setIsOpen(false)}>
        <CheckLine label={t('keys.on')} hint={t('keys.on.hint')} isOn={hasKeys} onChange={setHasKeys} />
        {isOpen && <KeyList />}
        <div className="ends">
          <Button kind="first" onClick={() => setIsOpen(false)}>
            {t('app.close')}
          </Button>
        </div>
      </PageWindow>
    </>
  );
}

const TARGETS: Readonly<Record<string, () => HTMLElement | null>> = {
  '/': () => document.querySelector<HTMLElement>(SEARCH),
  c: () => document.querySelector<HTMLElement>(CREATE),
};

function placeOf(key: string): HTMLElement | undefined {
  return [...document.querySelectorAll<HTMLElement>(PLACES)].find(({ dataset }) => dataset.key === key);
}

function isForKeys({ target, ctrlKey, metaKey, altKey, isComposing }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || isComposing) return false;
  const at = target instanceof HTMLElement ? target : null;
  const isTyped = at?.isContentEditable === true || at?.matches('input, select, textarea') === true;
  return !isTyped && document.querySelector('[role="dialog"], [role="alertdialog"]') === null;
}

function KeyList() {
  const { t } = usePreferences();
  const places = Array.from(document.querySelectorAll<HTMLElement>(PLACES), ({ dataset, textContent }) => ({
    keys: ['g', dataset.key ?? ''],
    name: textContent,
  }));
  const others = [
    { keys: ['/'], name: t('keys.search') },
    { keys: ['c'], name: t('keys.create') },
    { keys: ['?'], name: t('keys.help') },
  ];
  return (
    <dl className="keys">
      {[...others, ...places].map(({ keys, name }) => (
        <div key={keys.join(' ')}>
          <dt>
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dt>
          <dd>{name}</dd>
        </div>
      ))}
    </dl>
  );
}
