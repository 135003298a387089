/** What is kept with a token for people: the API version it was made for, and whom to tell about changes (IMPACT-3..6). */
import { memberKey } from '../../core/facts.ts';
import type { KindPolicy, Policy } from '../../core/policy.ts';
import { unacceptable } from '../rejection.ts';
import type { Contacts, DocReader, TokenDoc } from '../unit-of-work/records.ts';
import { requireEmail } from '../written-text.ts';

export interface ContactsInput {
  /** A member. */
  readonly primary?: string | null;
  /** People who need not be members; null: nobody. */
  readonly emails?: readonly string[] | null;
}

/** The latest version unless another is asked for; null where the policy has none. */
export function readApiVersion(policy: Policy, asked: string | undefined): string | null {
  if (asked === undefined) return policy.apiVersions.at(-1) ?? null;
  if (!policy.apiVersions.includes(asked)) {
    const known =
      policy.apiVersions.length === 0
        ? 'The policy has no API versions.'
        : `apiVersion must be one of: ${policy.apiVersions.join(', ')}.`;
    throw unacceptable('api_version_unknown', 'apiVersion', known);
  }
  return asked;
}

/** Was it made for a version that the policy has no longer (IMPACT-4)? It goes on working where no route asks for another. */
export function isVersionWithdrawn({ apiVersions }: Policy, { apiVersion }: Pick<TokenDoc, 'apiVersion'>): boolean {
  return apiVersion !== null && !apiVersions.includes(apiVersion);
}

/** `before`: what stands there, where only a part of it may be asked for; what is not named stays (RFC 7396). */
export async function readContacts(
  unit: DocReader,
  org: string,
  kind: KindPolicy,
  asked: ContactsInput | null | undefined,
  before: Contacts | null = null,
): Promise<Contacts | null> {
  const { primary = before?.primary ?? null, emails = before?.emails ?? null } = asked ?? { primary: null };
  if (kind.contactRequired && primary === null)
    throw unacceptable('contact_required', 'contacts.primary', `A ${kind.name} token needs a primary contact.`);
  if (asked === undefined || asked === null) return null;
  for (const email of asked.emails ?? []) requireEmail(email, 'contacts.emails');
  if (typeof asked.primary !== 'string')
    return { ...(asked.primary === null ? {} : before), primary, emails: emails ?? [] };
  const member = await unit.get('member', memberKey(org, asked.primary));
  if (member === null) {
    const detail = `There is no member ${JSON.stringify(asked.primary)} in this organization.`;
    throw unacceptable('contact_unknown', 'contacts.primary', detail);
  }
  return { primary, primaryGeneration: member.generation, emails: emails ?? [] };
}

/** Has its primary contact left (IMPACT-5)? */
export function isContactGone({ contacts }: Pick<TokenDoc, 'contacts'>): boolean {
  return (contacts?.formerPrimary ?? null) !== null;
}
