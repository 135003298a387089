/** The first page of whoever is not known yet. */
import { Brand } from '../frame/brand.tsx';
import { PreferenceControls } from '../frame/preference-controls.tsx';
import { useTranslate } from '../preferences.tsx';
import { SignInForm } from './sign-in.tsx';

export function SignInPage({ isPrivate, linkCode }: { readonly isPrivate: boolean; readonly linkCode: string | null }) {
  const t = useTranslate();
  return (
    <main className="bare">
      <div className="sign-in">
        <Brand />
        <div className="card stack">
          <div className="stack tight">
            <h1>{t('signIn.title')}</h1>
            <p className="soft">{t('signIn.lead')}</p>
          </div>
          {isPrivate ? (
            <SignInForm linkCode={linkCode} />
          ) : (
            <div className="note warn" role="alert">
              <h2>{t('signIn.notPrivate')}</h2>
              <p>{t('signIn.notPrivate.detail')}</p>
            </div>
          )}
          <details className="small">
            <summary>{t('signIn.where')}</summary>
            <p className="soft">{t('signIn.where.answer')}</p>
          </details>
        </div>
        <PreferenceControls />
      </div>
    </main>
  );
}
