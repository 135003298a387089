/** What stands around every page: the ways to the others, who is signed in, and the way out. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { answerOf, api } from '../api/client.ts';
import { organizationsQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { Button } from '../parts/button.tsx';
import { useTranslate } from '../preferences.tsx';
import { Brand } from './brand.tsx';
import { PreferenceControls } from './preference-controls.tsx';

/** `org` null: the page is of none. */
export function Frame({ org, children }: { readonly org: string | null; readonly children: ReactNode }) {
  const t = useTranslate();
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  // Whoever hears the page is told of the new one; the first has the focus by itself.
  // biome-ignore lint/correctness/useExhaustiveDependencies: on every change of the path
  useEffect(() => {
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
    window.scrollTo(0, 0);
  }, [path]);
  return (
    <div className="frame">
      <a className="skip" href="#main">
        {t('app.skip')}
      </a>
      <header className="side">
        <Brand />
        {org !== null && <OrganizationChoice org={org} />}
        <Navigation org={org} path={path} />
        <Account />
      </header>
      <main id="main" className="page" ref={main} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function Navigation({ org, path }: { readonly org: string | null; readonly path: string }) {
  const t = useTranslate();
  const { kind } = useCaller();
  const below = org === null ? null : `/o/${encodeURIComponent(org)}`;
  const pages =
    below === null
      ? []
      : [
          { href: `${below}/tokens`, name: t('nav.tokens') },
          { href: `${below}/explain`, name: t('nav.explain') },
        ];
  if (kind === 'operator' && org === null) pages.push({ href: '/', name: t('organizations.title') });
  return (
    <nav className="nav" aria-label={t('app.navigation')}>
      {pages.map(({ href, name }) => (
        <Link key={href} href={href} aria-current={path === href || path.startsWith(`${href}/`) ? 'page' : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  );
}

function OrganizationChoice({ org }: { readonly org: string }) {
  const t = useTranslate();
  const [, navigate] = useLocation();
  const { kind } = useCaller();
  const { data } = useQuery({ ...organizationsQuery, enabled: kind === 'operator' });
  if (data === undefined || data.items.length < 2) return null;
  return (
    <select
      aria-label={t('app.organization')}
      value={org}
      onChange={(event) => navigate(`/o/${encodeURIComponent(event.target.value)}/tokens`)}
    >
      {data.items.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}

function Account() {
  const t = useTranslate();
  const { kind, member, organization } = useCaller();
  const signOut = useMutation({
    mutationFn: () => answerOf(api.DELETE('/v1/session')),
    // A fresh page knows nothing of what this one has shown.
    onSuccess: () => location.assign('/'),
  });
  return (
    <div className="foot">
      <p className="who">
        <b>{kind === 'operator' ? t('app.operator') : (member?.name ?? '')}</b>
        {organization}
      </p>
      <PreferenceControls />
      <Button isBusy={signOut.isPending} onClick={() => signOut.mutate()}>
        {t('app.signOut')}
      </Button>
    </div>
  );
}
