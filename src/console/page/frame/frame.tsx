/** What stands around every page: the ways to the others, who is signed in, and the way out. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { answerOf, api } from '../api/client.ts';
import { organizationsQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { Button } from '../parts/button.tsx';
import { useTranslate } from '../preferences.tsx';
import type { MessageKey } from '../text/messages.ts';
import { Brand } from './brand.tsx';
import { Keys } from './keys.tsx';
import { PreferenceControls } from './preference-controls.tsx';

interface NavEntry {
  readonly path: string;
  readonly name: MessageKey;
  /** `g` and then this letter leads there. */
  readonly key: string;
  /** Others would find nothing there. */
  readonly forOperator?: true;
}

/** Below `/o/ORGANIZATION`. */
const OF_ORGANIZATION: readonly NavEntry[] = [
  { path: '', name: 'nav.overview', key: 'o' },
  { path: '/tokens', name: 'nav.tokens', key: 't' },
  { path: '/refusals', name: 'nav.refusals', key: 'r' },
  { path: '/explain', name: 'nav.explain', key: 'e' },
  { path: '/members', name: 'nav.members', key: 'm' },
  { path: '/teams', name: 'nav.teams', key: 'p', forOperator: true },
  { path: '/workspaces', name: 'nav.workspaces', key: 'w', forOperator: true },
  { path: '/policies', name: 'nav.policies', key: 'n', forOperator: true },
  { path: '/audit', name: 'nav.audit', key: 'a' },
  { path: '/service-accounts', name: 'nav.accounts', key: 's', forOperator: true },
];

/** Of the gateway with all its organizations: for its operator. */
const OF_GATEWAY: readonly NavEntry[] = [
  { path: '/organizations', name: 'organizations.title', key: 'z' },
  { path: '/traffic', name: 'nav.traffic', key: 'f' },
  { path: '/status', name: 'nav.status', key: 'i' },
  { path: '/routes', name: 'nav.routes', key: 'u' },
  { path: '/refusals', name: 'nav.refusals.all', key: 'l' },
];

/** `org` null: the page is of none. */
export function Frame({ org, children }: { readonly org: string | null; readonly children: ReactNode }) {
  const t = useTranslate();
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const [isOpen, setIsOpen] = useState(false);
  // Whoever hears the page is told of the new one; the first has the focus by itself.
  // biome-ignore lint/correctness/useExhaustiveDependencies: on every change of the path
  useEffect(() => {
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
    setIsOpen(false);
    window.scrollTo(0, 0);
  }, [path]);
  return (
    <div className="frame">
      <a className="skip" href="#main">
        {t('app.skip')}
      </a>
      <header className="side" data-open={isOpen || undefined}>
        <Brand />
        <Navigation org={org} path={path} isOpen={isOpen} onOpen={setIsOpen} />
        <Account />
      </header>
      <main id="main" className="page" ref={main} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

interface NavigationProps {
  readonly org: string | null;
  readonly path: string;
  readonly isOpen: boolean;
  onOpen(isOpen: boolean): void;
}

/** Where there is no room, its entries wait behind a button. */
function Navigation({ org, path, isOpen, onOpen }: NavigationProps) {
  const t = useTranslate();
  const { kind } = useCaller();
  const shown = useShownOrganization(org);
  const id = useId();
  return (
    <nav
      className="nav"
      aria-label={t('app.navigation')}
      onKeyDown={({ key, currentTarget }) => {
        if (key !== 'Escape' || !isOpen) return;
        onOpen(false);
        currentTarget.querySelector('button')?.focus();
      }}
    >
      <div className="menu-button">
        <Button aria-expanded={isOpen} aria-controls={id} onClick={() => onOpen(!isOpen)}>
          {t('nav.menu')}
        </Button>
      </div>
      <div className="groups" id={id}>
        <div>
          <p className="group-name">{t('app.organization')}</p>
          <OrganizationChoice org={shown} path={path} />
          <Entries entries={OF_ORGANIZATION} below={shown === null ? null : placeOf(shown)} path={path} />
        </div>
        {kind === 'operator' && OF_GATEWAY.length > 0 && (
          <div>
            <p className="group-name">{t('nav.gateway')}</p>
            <Entries entries={OF_GATEWAY} below="" path={path} />
          </div>
        )}
      </div>
    </nav>
  );
}

interface EntriesProps {
  readonly entries: readonly NavEntry[];
  /** null: not known, or none; the first page tells of it. */
  readonly below: string | null;
  readonly path: string;
}

function Entries({ entries, below, path }: EntriesProps) {
  const t = useTranslate();
  const { kind } = useCaller();
  return (
    <ul>
      {entries.map((entry) => {
        if (entry.forOperator && kind !== 'operator') return null;
        const href = `${below}${entry.path}`;
        // Of the first page all others stand below.
        const isHere = below !== null && (path === href || (entry.path !== '' && path.startsWith(`${href}/`)));
        return (
          <li key={entry.path}>
            <Link href={below === null ? '/' : href} data-key={entry.key} aria-current={isHere ? 'page' : undefined}>
              {t(entry.name)}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

function placeOf(org: string): string {
  return `/o/${encodeURIComponent(org)}`;
}

/** That of the page; on a page of none, that of the page before, or else the first. */
function useShownOrganization(org: string | null): string | null {
  const { kind, organization } = useCaller();
  const { data } = useQuery({ ...organizationsQuery, enabled: kind === 'operator' });
  const last = useRef(org);
  if (org !== null) last.current = org;
  return last.current ?? organization ?? data?.items[0]?.id ?? null;
}

/** Another one shows the same page of it. */
function OrganizationChoice({ org, path }: { readonly org: string | null; readonly path: string }) {
  const t = useTranslate();
  const [, navigate] = useLocation();
  const { kind } = useCaller();
  const { data } = useQuery({ ...organizationsQuery, enabled: kind === 'operator' });
  const page = /^\/o\/[^/]+\/([^/]+)/.exec(path)?.[1] ?? 'tokens';
  if (org === null || data === undefined || data.items.length < 2)
    return <p className="choice">{data?.items.find(({ id }) => id === org)?.name ?? org ?? t('app.none')}</p>;
  return (
    <select
      className="choice"
      aria-label={t('app.organization')}
      value={org}
      onChange={(event) => navigate(`${placeOf(event.target.value)}/${page}`)}
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
  const { kind, member } = useCaller();
  const signOut = useMutation({
    mutationFn: () => answerOf(api.DELETE('/v1/session')),
    // A fresh page knows nothing of what this one has shown.
    onSuccess: () => location.assign('/'),
  });
  return (
    <div className="foot">
      <p className="who">{kind === 'operator' ? t('app.operator') : (member?.name ?? '')}</p>
      <PreferenceControls />
      <div className="keys-button">
        <Keys />
      </div>
      <Button isBusy={signOut.isPending} onClick={() => signOut.mutate()}>
        {t('app.signOut')}
      </Button>
    </div>
  );
}
