/** Organizations made, renamed and deleted, for the operator. What goes with one is everything in it: its name has to be typed. */
import { useQueryClient } from '@tanstack/react-query';
import { ApiError, answerOf, api, type Shapes } from '../api/client.ts';
import { requireFree, ThingIdField, ThingNameField } from '../directory/add-one.tsx';
import type { DirectoryDone } from '../directory/after-change.ts';
import { ChoiceField } from '../parts/choice-field.tsx';
import { FormAction } from '../parts/form-action.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { TextField } from '../parts/text-field.tsx';
import { useTranslate } from '../preferences.tsx';

type Organization = Shapes['Organization'];
type Edition = Shapes['OrganizationInput']['edition'];

const EDITIONS: readonly Edition[] = ['personal', 'team', 'enterprise'];

interface Done {
  onDone(done: DirectoryDone): void;
}

function useAfter(onDone: Done['onDone']) {
  const client = useQueryClient();
  return (done: string, receipt: DirectoryDone['receipt']) => {
    onDone({ done, receipt });
    void client.invalidateQueries({ queryKey: ['organizations'] });
  };
}

function put(org: string, name: string, edition: string, enterprise: string) {
  const params = { path: { org }, query: WAIT };
  const known = EDITIONS.find((each) => each === edition)!;
  const body = { name, edition: known, enterprise: enterprise.trim() === '' ? null : enterprise.trim() };
  return answerOf(api.PUT('/v1/organizations/{org}', { params, body }));
}

export function AddOrganization({ onDone }: Done) {
  const t = useTranslate();
  const after = useAfter(onDone);
  return (
    <FormAction
      kind="first"
      action={t('organizations.add')}
      title={t('organization.add.title')}
      start={(): { id: string; name: string; edition: Edition; enterprise: string } => ({
        ...{ id: '', name: '', edition: 'team', enterprise: '' },
      })}
      run={async ({ id: typed, name, edition, enterprise }) => {
        const id = typed.trim();
        const ask = () => answerOf(api.GET('/v1/organizations/{org}', { params: { path: { org: id } } }));
        await requireFree(ask, t('organization.add.taken'));
        return put(id, name, edition, enterprise);
      }}
      onDone={(receipt, { name }) => after(t('organization.add.done', { name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <ThingIdField hint={t('directory.id.hint')} {...{ draft, set, mistakeOf }} />
          <ThingNameField {...{ draft, set, mistakeOf }} />
          <ChoiceField
            label={t('organizations.edition')}
            hint={t('organization.edition.hint')}
            mistake={mistakeOf('edition')}
            options={EDITIONS.map((each) => [each, each])}
            value={draft.edition}
            onChange={(edition) => set({ edition })}
          />
          <EnterpriseField {...{ draft, set, mistakeOf }} />
        </>
      )}
    </FormAction>
  );
}

interface EnterpriseProps {
  readonly draft: { readonly enterprise: string };
  set(part: { readonly enterprise: string }): void;
  mistakeOf(...fields: readonly string[]): string | undefined;
}

function EnterpriseField({ draft, set, mistakeOf }: EnterpriseProps) {
  const t = useTranslate();
  return (
    <TextField
      label={t('organization.enterprise')}
      hint={t('organization.enterprise.hint')}
      isOptional
      isWord
      mistake={mistakeOf('enterprise')}
      value={draft.enterprise}
      onChange={(enterprise) => set({ enterprise })}
    />
  );
}

export function EditOrganization({ organization, onDone }: Done & { readonly organization: Organization }) {
  const t = useTranslate();
  const after = useAfter(onDone);
  const { id, name, edition, enterprise } = organization;
  return (
    <FormAction
      kind="quiet"
      action={t('directory.edit')}
      label={t('directory.editOf', { name })}
      title={t('directory.edit.title', { name })}
      start={() => ({ name, enterprise: enterprise ?? '' })}
      run={(draft) => put(id, draft.name, edition, draft.enterprise)}
      onDone={(receipt, draft) => after(t('directory.edit.done', { name: draft.name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <ThingNameField {...{ draft, set, mistakeOf }} />
          <EnterpriseField {...{ draft, set, mistakeOf }} />
        </>
      )}
    </FormAction>
  );
}

export function DeleteOrganization({ organization, onDone }: Done & { readonly organization: Organization }) {
  const t = useTranslate();
  const after = useAfter(onDone);
  const { id, name } = organization;
  return (
    <FormAction
      kind="quiet"
      isDangerous
      action={t('workspace.delete')}
      label={t('directory.deleteOf', { name })}
      title={t('organization.delete.title', { name })}
      lead={t('organization.delete.lead')}
      start={() => ({ typed: '' })}
      run={async ({ typed }) => {
        if (typed.trim() !== name)
          throw new ApiError(422, { code: 'name_differs', field: 'typed', detail: t('cascade.type.mistake') }, null);
        return answerOf(api.DELETE('/v1/organizations/{org}', { params: { path: { org: id }, query: WAIT } }));
      }}
      onDone={(receipt) => after(t('workspace.delete.done', { name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <TextField
          label={t('cascade.type', { name })}
          isWord
          mistake={mistakeOf('typed')}
          value={draft.typed}
          onChange={(typed) => set({ typed })}
        />
      )}
    </FormAction>
  );
}
