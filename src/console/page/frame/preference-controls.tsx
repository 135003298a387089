/** Chooses the language and the colours. */
import { type Scheme, usePreferences } from '../preferences.tsx';
import type { Language } from '../text/translate.ts';

const SCHEMES: readonly Scheme[] = ['system', 'light', 'dark'];

export function PreferenceControls() {
  const { language, scheme, t, setLanguage, setScheme } = usePreferences();
  return (
    <div className="preferences">
      <select
        aria-label={t('app.language')}
        value={language}
        onChange={(event) => setLanguage(event.target.value as Language)}
      >
        <option value="en" lang="en">
          English
        </option>
        <option value="zh" lang="zh-Hans">
          中文
        </option>
      </select>
      <select aria-label={t('app.scheme')} value={scheme} onChange={(event) => setScheme(event.target.value as Scheme)}>
        {SCHEMES.map((each) => (
          <option key={each} value={each}>
            {t(`app.scheme.${each}`)}
          </option>
        ))}
      </select>
    </div>
  );
}
