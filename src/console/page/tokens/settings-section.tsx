/** What a new token is: its kind, name, owner and end; whom to ask about it, and where it may be used from. */
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import { principalsNamedQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { FormField } from '../parts/form-field.tsx';
import { NamedField } from '../parts/named-field.tsx';
import { useTranslate } from '../preferences.tsx';
import type { SectionProps } from './section-props.ts';
import { firstPreset } from './token-draft.ts';

export function SettingsSection(props: SectionProps & { readonly kinds: readonly string[] }) {
  const { org, policy, kind, draft, kinds, mistakeOf, change } = props;
  const t = useTranslate();
  const caller = useCaller();
  return (
    <section className="card stack">
      <h2>{t('new.settings')}</h2>
      <FormField label={t('tokens.kind')} hint={kind.description} mistake={mistakeOf('kind')}>
        {(control) => (
          <select
            {...control}
            value={draft.kind}
            onChange={({ target: { value } }) =>
              change({ kind: value, allGrant: null, expiry: String(firstPreset(policy.kinds[value]) ?? '') })
            }
          >
            {kinds.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </FormField>
      <NameField {...props} />
      <ExpiryField {...props} />
      {policy.apiVersions.length > 0 && <VersionField {...props} />}
      {caller.kind === 'operator' && (
        <MemberField
          org={org}
          label={t('tokens.owner')}
          hint={t('new.owner.hint')}
          mistake={mistakeOf('owner')}
          isRequired
          value={draft.owner}
          onChange={(owner) => change({ owner })}
        />
      )}
      <DescriptionField {...props} />
      <AddressField {...props} />
    </section>
  );
}

export function NameField({ draft, mistakeOf, change }: SectionProps) {
  const t = useTranslate();
  return (
    <FormField label={t('tokens.name')} hint={t('new.name.hint')} mistake={mistakeOf('name')}>
      {(control) => (
        <input
          {...control}
          required
          maxLength={128}
          value={draft.name}
          onChange={(event) => change({ name: event.target.value })}
        />
      )}
    </FormField>
  );
}

export function DescriptionField({ draft, mistakeOf, change }: SectionProps) {
  const t = useTranslate();
  return (
    <FormField label={t('token.description')} isOptional mistake={mistakeOf('description')}>
      {(control) => (
        <textarea
          {...control}
          maxLength={2000}
          value={draft.description}
          onChange={(event) => change({ description: event.target.value })}
        />
      )}
    </FormField>
  );
}

export function AddressField({ draft, mistakeOf, change }: SectionProps) {
  const t = useTranslate();
  return (
    <FormField
      label={t('token.addresses')}
      isOptional
      hint={t('new.addresses.hint')}
      mistake={mistakeOf('allowedAddresses')}
    >
      {(control) => (
        <input
          {...control}
          spellCheck={false}
          value={draft.addresses}
          onChange={(event) => change({ addresses: event.target.value })}
        />
      )}
    </FormField>
  );
}

function VersionField({ policy, draft, mistakeOf, change }: SectionProps) {
  const t = useTranslate();
  return (
    <FormField label={t('token.apiVersion')} mistake={mistakeOf('apiVersion')}>
      {(control) => (
        <select {...control} value={draft.apiVersion} onChange={(event) => change({ apiVersion: event.target.value })}>
          <option value="">{t('new.apiVersion.latest')}</option>
          {policy.apiVersions.toReversed().map((version) => (
            <option key={version}>{version}</option>
          ))}
        </select>
      )}
    </FormField>
  );
}

function ExpiryField({ kind, draft, mistakeOf, change }: SectionProps) {
  const t = useTranslate();
  const { presetsDays, never, minMs, maxMs } = kind.expiry;
  const isPreset = draft.expiry === 'never' || presetsDays.includes(Number(draft.expiry));
  const daysMax = maxMs === null ? undefined : Math.floor(maxMs / 86_400_000);
  return (
    <div className="row">
      <FormField label={t('tokens.expires')} mistake={mistakeOf('expiresInDays', 'expiresAt', 'neverExpires')}>
        {(control) => (
          <select
            {...control}
            value={isPreset ? draft.expiry : 'other'}
            onChange={({ target: { value } }) => change({ expiry: value === 'other' ? '' : value })}
          >
            {presetsDays.map((count) => (
              <option key={count} value={count}>
                {t('new.expiry.days', { count })}
              </option>
            ))}
            {never && <option value="never">{t('tokens.neverExpires')}</option>}
            <option value="other">{t('new.expiry.other')}</option>
          </select>
        )}
      </FormField>
      {!isPreset && (
        <FormField label={t('new.expiry.custom')}>
          {(control) => (
            <input
              {...control}
              type="number"
              min={Math.max(1, Math.ceil(minMs / 86_400_000))}
              max={daysMax}
              required={kind.expiry.required}
              value={draft.expiry}
              onChange={(event) => change({ expiry: event.target.value })}
            />
          )}
        </FormField>
      )}
    </div>
  );
}

/** Only where the policy has them. */
export function ContactSection({ org, kind, draft, mistakeOf, change }: SectionProps) {
  const t = useTranslate();
  if (!kind.contactRequired && !kind.mutable.includes('contacts')) return null;
  return (
    <section className="card stack">
      <h2>{t('token.contacts')}</h2>
      <MemberField
        org={org}
        label={t('new.contact.primary')}
        hint={t('new.contact.primary.hint')}
        mistake={mistakeOf('contacts')}
        isRequired={kind.contactRequired}
        value={draft.primaryContact}
        onChange={(primaryContact) => change({ primaryContact })}
      />
      <FormField label={t('new.contact.emails')} isOptional hint={t('new.contact.emails.hint')}>
        {(control) => (
          <input
            {...control}
            spellCheck={false}
            value={draft.emails}
            onChange={(event) => change({ emails: event.target.value })}
          />
        )}
      </FormField>
    </section>
  );
}

interface MemberFieldProps {
  readonly org: string;
  readonly label: string;
  readonly hint: string;
  readonly mistake: string | undefined;
  readonly isRequired: boolean;
  readonly value: string;
  onChange(id: string): void;
}

/** Finds members by a part of their name, for whoever may; what is kept is the id. */
function MemberField({ org, label, hint, mistake, isRequired, value, onChange }: MemberFieldProps) {
  const { kind } = useCaller();
  const typed = useDeferredValue(value);
  const { data } = useQuery({ ...principalsNamedQuery(org, 'member', typed), enabled: kind === 'operator' });
  return (
    <NamedField
      label={label}
      hint={hint}
      mistake={mistake}
      isOptional={!isRequired}
      isRequired={isRequired}
      offered={data?.items}
      value={value}
      onChange={onChange}
    />
  );
}
