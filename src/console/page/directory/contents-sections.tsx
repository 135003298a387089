/** What stands in a workspace: its environments, and the resources that are registered with their owners. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Shapes } from '../api/client.ts';
import type { KnownNames } from '../api/names.ts';
import { ConfirmAction } from '../parts/confirm-action.tsx';
import { FormAction } from '../parts/form-action.tsx';
import { KnownBy } from '../parts/known-by.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { TextField } from '../parts/text-field.tsx';
import { useTranslate } from '../preferences.tsx';
import { ONCE, requireFree, ThingIdField, ThingNameField } from './add-one.tsx';
import { type DirectoryDone, useAfterChange } from './after-change.ts';
import { environmentQuery, environmentsQuery, resourceQuery, resourcesQuery } from './directory-queries.ts';
import { PrincipalField } from './principal-field.tsx';

interface Props {
  readonly org: string;
  /** The workspace. */
  readonly ws: string;
  onDone(done: DirectoryDone): void;
}

export function EnvironmentsSection({ org, ws, onDone }: Props) {
  const t = useTranslate();
  const client = useQueryClient();
  const after = useAfterChange(org, onDone);
  const { data, error, refetch } = useQuery(environmentsQuery(org, ws));
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{t('environments.title')}</h2>
        <FormAction
          action={t('environments.add')}
          title={t('environment.add.title')}
          start={() => ({ id: '', name: '' })}
          run={async ({ id: typed, name }) => {
            const id = typed.trim();
            const ask = () => client.fetchQuery({ ...environmentQuery(org, ws, id), ...ONCE });
            await requireFree(ask, t('environment.add.taken'));
            return putEnvironment(org, ws, id, name);
          }}
          onDone={(receipt, { name }) => after(t('environment.add.done', { name }), receipt)}
        >
          {(filled) => (
            <>
              <ThingIdField hint={t('environment.id.hint')} {...filled} />
              <ThingNameField {...filled} />
            </>
          )}
        </FormAction>
      </div>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && <p className="soft">{t('environments.none')}</p>}
      <ul className="lines">
        {data?.items.map((each) => (
          <EnvironmentLine key={each.id} {...{ org, ws, onDone }} environment={each} />
        ))}
      </ul>
      {data?.nextCursor != null && <p className="soft">{t('directory.more')}</p>}
    </section>
  );
}

function EnvironmentLine({ org, ws, environment, onDone }: Props & { readonly environment: Shapes['Environment'] }) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const { id, name } = environment;
  return (
    <li>
      <div className="grow">
        {name} <span className="soft small mono">{id}</span>
      </div>
      <FormAction
        kind="quiet"
        action={t('directory.rename')}
        label={t('directory.renameOf', { name })}
        title={t('directory.rename.title', { name })}
        start={() => ({ name })}
        run={(draft) => putEnvironment(org, ws, id, draft.name)}
        onDone={(receipt, draft) => after(t('directory.rename.done', { name: draft.name }), receipt)}
      >
        {(filled) => <ThingNameField {...filled} />}
      </FormAction>
      <ConfirmAction
        action={t('workspace.delete')}
        label={t('directory.deleteOf', { name })}
        title={t('environment.delete.title', { name })}
        lead={t('environment.delete.lead')}
        run={() => {
          const params = { path: { org, ws, id }, query: WAIT };
          return answerOf(api.DELETE('/v1/organizations/{org}/workspaces/{ws}/environments/{id}', { params }));
        }}
        onDone={(receipt) => after(t('workspace.delete.done', { name }), receipt)}
      />
    </li>
  );
}

function putEnvironment(org: string, ws: string, id: string, name: string) {
  const params = { path: { org, ws, id }, query: WAIT };
  return answerOf(api.PUT('/v1/organizations/{org}/workspaces/{ws}/environments/{id}', { params, body: { name } }));
}

export function ResourcesSection({ org, ws, onDone }: Props) {
  const t = useTranslate();
  const client = useQueryClient();
  const after = useAfterChange(org, onDone);
  const { data, error, refetch } = useQuery(resourcesQuery(org, ws));
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{t('resources.title')}</h2>
        <FormAction
          action={t('resources.add')}
          title={t('resource.add.title')}
          lead={t('resource.add.lead')}
          start={() => ({ type: '', id: '', owner: '', collaborators: '' })}
          run={async (draft) => {
            const [type, id] = [draft.type.trim(), draft.id.trim()];
            const ask = () => client.fetchQuery({ ...resourceQuery(org, ws, type, id), ...ONCE });
            await requireFree(ask, t('resource.add.taken'));
            return putResource(org, ws, type, id, draft);
          }}
          onDone={(receipt, { type, id }) => after(t('resource.add.done', { name: `${type} ${id}` }), receipt)}
        >
          {(filled) => (
            <>
              <TextField
                label={t('resource.type')}
                hint={t('resource.type.hint')}
                isWord
                mistake={filled.mistakeOf('type')}
                value={filled.draft.type}
                onChange={(type) => filled.set({ type })}
              />
              <ThingIdField hint={t('resource.id.hint')} {...filled} />
              <HoldersFields org={org} {...filled} />
            </>
          )}
        </FormAction>
      </div>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && <p className="soft">{t('resources.none')}</p>}
      <ul className="lines">
        {data?.items.map((each) => (
          <ResourceLine key={`${each.type} ${each.id}`} {...{ org, ws, onDone }} resource={each} names={data.names} />
        ))}
      </ul>
      {data?.nextCursor != null && <p className="soft">{t('directory.more')}</p>}
    </section>
  );
}

interface ResourceProps extends Props {
  readonly resource: Shapes['Resource'];
  readonly names: KnownNames;
}

function ResourceLine({ org, ws, resource, names, onDone }: ResourceProps) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const { type, id, owner, collaborators } = resource;
  const name = `${type} ${id}`;
  return (
    <li>
      <div className="grow">
        <span className="mono">{name}</span>
        <div className="soft small">
          {t('directory.owner')} <KnownBy names={names} of={`member/${owner}`} isInline />
          {collaborators.length > 0 &&
            ` · ${t('resource.with', { names: collaborators.map((each) => names.get(`member/${each}`) ?? each).join(t('list.comma')) })}`}
        </div>
      </div>
      <FormAction
        kind="quiet"
        action={t('directory.edit')}
        label={t('directory.editOf', { name })}
        title={t('directory.edit.title', { name })}
        start={() => ({ owner, collaborators: collaborators.join('\n') })}
        run={(draft) => putResource(org, ws, type, id, draft)}
        onDone={(receipt) => after(t('directory.edit.done', { name }), receipt)}
      >
        {(filled) => <HoldersFields org={org} {...filled} />}
      </FormAction>
      <ConfirmAction
        action={t('workspace.delete')}
        label={t('directory.deleteOf', { name })}
        title={t('resource.delete.title', { name })}
        lead={t('resource.delete.lead')}
        run={() => {
          const params = { path: { org, ws, type, id }, query: WAIT };
          return answerOf(api.DELETE('/v1/organizations/{org}/workspaces/{ws}/resources/{type}/{id}', { params }));
        }}
        onDone={(receipt) => after(t('workspace.delete.done', { name }), receipt)}
      />
    </li>
  );
}

interface Holders {
  readonly owner: string;
  /** One a line. */
  readonly collaborators: string;
}

interface HoldersProps {
  readonly org: string;
  readonly draft: Holders;
  set(part: Partial<Holders>): void;
  mistakeOf(...fields: readonly string[]): string | undefined;
}

function HoldersFields({ org, draft, set, mistakeOf }: HoldersProps) {
  const t = useTranslate();
  return (
    <>
      <PrincipalField
        org={org}
        label={t('directory.owner')}
        mistake={mistakeOf('owner')}
        value={draft.owner}
        onChange={(owner) => set({ owner })}
      />
      <TextField
        label={t('resource.collaborators')}
        hint={t('resource.collaborators.hint')}
        isOptional
        isLong
        isWord
        mistake={mistakeOf('collaborators')}
        value={draft.collaborators}
        onChange={(collaborators) => set({ collaborators })}
      />
    </>
  );
}

function putResource(org: string, ws: string, type: string, id: string, { owner, collaborators }: Holders) {
  const params = { path: { org, ws, type, id }, query: WAIT };
  const body = { owner: owner.trim(), collaborators: collaborators.split(/[\s,]+/).filter((each) => each !== '') };
  return answerOf(api.PUT('/v1/organizations/{org}/workspaces/{ws}/resources/{type}/{id}', { params, body }));
}
