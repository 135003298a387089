/** Language, colours and keys: what the browser asks for, unless somebody chose otherwise. The only thing that the console keeps. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { LANGUAGES, type Language, type Translate, translator } from './text/translate.ts';

export type Scheme = 'system' | 'light' | 'dark';

interface Preferences {
  readonly language: Language;
  readonly scheme: Scheme;
  /** Single keys do something. */
  readonly hasKeys: boolean;
  readonly t: Translate;
  setLanguage(language: Language): void;
  setScheme(scheme: Scheme): void;
  setHasKeys(hasKeys: boolean): void;
}

const Chosen = createContext<Preferences | null>(null);

export function usePreferences(): Preferences {
  return useContext(Chosen)!;
}

export function useTranslate(): Translate {
  return usePreferences().t;
}

export function PreferencesProvider({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  const [scheme, setScheme] = useState(firstScheme);
  const [hasKeys, setHasKeys] = useState(() => read('scopegate.keys') !== 'off');
  useEffect(() => {
    document.documentElement.lang = LANGUAGES[language].tag;
    keep('scopegate.language', language);
  }, [language]);
  useEffect(() => {
    document.documentElement.dataset.scheme = scheme;
    keep('scopegate.scheme', scheme);
  }, [scheme]);
  useEffect(() => keep('scopegate.keys', hasKeys ? 'on' : 'off'), [hasKeys]);
  const t = useMemo(() => translator(language), [language]);
  const value = useMemo(
    () => ({ language, scheme, hasKeys, t, setLanguage, setScheme, setHasKeys }),
    [language, scheme, hasKeys, t],
  );
  return <Chosen value={value}>{children}</Chosen>;
}

function firstLanguage(): Language {
  const kept = read('scopegate.language');
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

function firstScheme(): Scheme {
  const kept = read('scopegate.scheme');
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

/** Some browsers forbid it. */
function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Then it is chosen anew next time.
  }
}
