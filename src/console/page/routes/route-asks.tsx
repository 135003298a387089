/** What one route asks of its callers: scopes, the place, the role, and how the token may be sent. */
import type { ReactNode } from 'react';
import type { Shapes } from '../api/client.ts';
import { useTranslate } from '../preferences.tsx';

export function RouteAsks({ route: { asks, credentials } }: { readonly route: Shapes['Route'] }) {
  const t = useTranslate();
  if (asks === null) return <span className="badge none">{t('routes.public')}</span>;
  const { scopes, workspace, environment, resource, apiVersions } = asks;
  return (
    <div className="stack tight">
      {scopes === null ? (
        <span className="badge warn">{t('routes.anyToken')}</span>
      ) : (
        <span className="chips">
          {scopes.names.map((name) => (
            <code key={name} className="chip">
              {name}
            </code>
          ))}
          {scopes.match === 'any' && scopes.names.length > 1 && (
            <span className="soft small">{t('routes.oneIsEnough')}</span>
          )}
        </span>
      )}
      {workspace !== null && (
        <Line name={t('routes.workspace')}>
          {workspace.as === 'workspace' ? '' : `${workspace.type ?? workspace.as} `}
          <code>{workspace.from.join(', ')}</code> · {t('routes.role')} {workspace.role}
        </Line>
      )}
      {environment !== null && (
        <Line name={t('routes.environment')}>
          <code>{environment.join(', ')}</code>
        </Line>
      )}
      {resource !== null && (
        <Line name={t('routes.relation')}>
          {resource.relation} · {resource.type} <code>{resource.from.join(', ')}</code>
        </Line>
      )}
      {apiVersions !== null && <Line name={t('routes.apiVersions')}>{apiVersions.join(', ')}</Line>}
      {credentials.join() !== 'bearer' && (
        <Line name={t('routes.credentials')}>
          <code>{credentials.join(', ')}</code>
        </Line>
      )}
    </div>
  );
}

function Line({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <span className="small">
      <span className="soft">{name}</span> {children}
    </span>
  );
}
