/** Which page is shown, to whom. A session that ends in the middle is asked for again over the page, so that nothing is lost. */
import { useQuery } from '@tanstack/react-query';
import { Component, type ReactNode, useRef, useState } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { sessionQuery } from './api/queries.ts';
import { AuditPage } from './audit/audit-page.tsx';
import { CallerContext, type SignedInCaller, useCaller } from './caller.tsx';
import { MembersPage, TeamsPage, WorkspacesPage } from './directory/directory-lists.tsx';
import { MemberPage } from './directory/member-page.tsx';
import { TeamPage } from './directory/team-page.tsx';
import { WorkspacePage } from './directory/workspace-page.tsx';
import { ExplainPage } from './explain/explain-page.tsx';
import { Frame } from './frame/frame.tsx';
import { NamedPolicyListPage } from './named-policies/named-policy-list-page.tsx';
import { NamedPolicyPage } from './named-policies/named-policy-page.tsx';
import { AllOrganizationsPage } from './organizations/all-organizations-page.tsx';
import { OrganizationsPage } from './organizations/organizations-page.tsx';
import { OverviewPage } from './overview/overview-page.tsx';
import { EmptyNote, ErrorNote, Waiting } from './parts/notes.tsx';
import { PageWindow } from './parts/window.tsx';
import { useTranslate } from './preferences.tsx';
import { RefusalsPage } from './refusals/refusals-page.tsx';
import { RoutesPage } from './routes/routes-page.tsx';
import { AccountListPage } from './service-accounts/account-list-page.tsx';
import { AccountPage } from './service-accounts/account-page.tsx';
import { NewAccountPage } from './service-accounts/new-account-page.tsx';
import { SignInForm, takeLinkCode } from './sign-in/sign-in.tsx';
import { SignInPage } from './sign-in/sign-in-page.tsx';
import { StatusPage } from './status/status-page.tsx';
import { EditTokenPage } from './tokens/edit-token-page.tsx';
import { NewTokenPage } from './tokens/new-token-page.tsx';
import { TokenListPage } from './tokens/token-list-page.tsx';
import { TokenPage } from './tokens/token-page.tsx';
import { TrafficPage } from './traffic/traffic-page.tsx';

export function App() {
  const t = useTranslate();
  const [linkCode] = useState(takeLinkCode);
  const { data, error, refetch } = useQuery(sessionQuery);
  const last = useRef<SignedInCaller | null>(null);
  if (data?.caller) last.current = data.caller;
  if (data === undefined) {
    if (error === null) return <Waiting />;
    return (
      <main className="bare">
        <ErrorNote error={error} onRetry={() => void refetch()} />
      </main>
    );
  }
  if (last.current === null) return <SignInPage isPrivate={data.signIn === 'possible'} linkCode={linkCode} />;
  return (
    <CallerContext value={last.current}>
      <Pages />
      <PageWindow isOpen={data.caller === null} title={t('signIn.again')}>
        <p className="soft">{t('signIn.again.lead')}</p>
        <SignInForm linkCode={null} />
      </PageWindow>
    </CallerContext>
  );
}

function Pages() {
  const { organization } = useCaller();
  return (
    <Switch>
      <Route path="/">
        {organization === null ? (
          <Framed org={null}>
            <OrganizationsPage />
          </Framed>
        ) : (
          <Redirect to={`/o/${encodeURIComponent(organization)}`} replace />
        )}
      </Route>
      <Route path="/o/:org">
        {({ org }) => (
          <Framed org={org}>
            <OverviewPage key={org} org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/organizations">
        <Framed org={null}>
          <AllOrganizationsPage />
        </Framed>
      </Route>
      <Route path="/traffic">
        <Framed org={null}>
          <TrafficPage />
        </Framed>
      </Route>
      <Route path="/status">
        <Framed org={null}>
          <StatusPage />
        </Framed>
      </Route>
      <Route path="/o/:org/tokens">
        {({ org }) => (
          <Framed org={org}>
            <TokenListPage org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/tokens/new">
        {({ org }) => (
          <Framed org={org}>
            <NewTokenPage org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/tokens/:id/edit">
        {({ org, id }) => (
          <Framed org={org}>
            <EditTokenPage key={id} org={org} id={id} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/tokens/:id">
        {({ org, id }) => (
          <Framed org={org}>
            <TokenPage key={id} org={org} id={id} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/members">
        {({ org }) => (
          <Framed org={org}>
            <MembersPage org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/members/:id">
        {({ org, id }) => (
          <Framed org={org}>
            <MemberPage key={id} org={org} id={id} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/teams">
        {({ org }) => (
          <Framed org={org}>
            <TeamsPage org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/teams/:id">
        {({ org, id }) => (
          <Framed org={org}>
            <TeamPage key={id} org={org} id={id} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/workspaces">
        {({ org }) => (
          <Framed org={org}>
            <WorkspacesPage org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/workspaces/:id">
        {({ org, id }) => (
          <Framed org={org}>
            <WorkspacePage key={id} org={org} id={id} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/policies">
        {({ org }) => (
          <Framed org={org}>
            <NamedPolicyListPage org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/policies/:id">
        {({ org, id }) => (
          <Framed org={org}>
            <NamedPolicyPage key={id} org={org} id={id} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/audit">
        {({ org }) => (
          <Framed org={org}>
            <AuditPage org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/service-accounts">
        {({ org }) => (
          <Framed org={org}>
            <AccountListPage org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/service-accounts/new">
        {({ org }) => (
          <Framed org={org}>
            <NewAccountPage org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/service-accounts/:clientId">
        {({ org, clientId }) => (
          <Framed org={org}>
            <AccountPage key={clientId} org={org} clientId={clientId} />
          </Framed>
        )}
      </Route>
      <Route path="/o/:org/refusals">
        {({ org }) => (
          <Framed org={org}>
            <RefusalsPage key={org} org={org} />
          </Framed>
        )}
      </Route>
      <Route path="/refusals">
        <Framed org={null}>
          <RefusalsPage key="all" org={null} />
        </Framed>
      </Route>
      <Route path="/routes">
        <Framed org={null}>
          <RoutesPage />
        </Framed>
      </Route>
      <Route path="/explain">
        <Framed org={null}>
          <ExplainPage org={null} />
        </Framed>
      </Route>
      <Route path="/o/:org/explain">
        {({ org }) => (
          <Framed org={org}>
            <ExplainPage org={org} />
          </Framed>
        )}
      </Route>
      <Route>
        <Framed org={null}>
          <NoSuchPage />
        </Framed>
      </Route>
    </Switch>
  );
}

function Framed({ org, children }: { readonly org: string | null; readonly children: ReactNode }) {
  return (
    <Frame org={org}>
      <FaultBoundary>{children}</FaultBoundary>
    </Frame>
  );
}

function NoSuchPage() {
  const t = useTranslate();
  return <EmptyNote title={t('app.notFound')} hint={t('app.notFound.hint')} />;
}

/** A fault of one page leaves the others. */
class FaultBoundary extends Component<{ readonly children: ReactNode }, { readonly failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { readonly failed: boolean } {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? <FaultNote /> : this.props.children;
  }
}

function FaultNote() {
  const t = useTranslate();
  return <EmptyNote title={t('error.crash')} hint={t('error.crash.hint')} />;
}
