/** What is kept with a token for people: the API version it was made for, and whom to tell about changes (IMPACT-3..6). */
import { memberKey } from '../../core/facts.ts';
import type { Policy } from '../../core/policy.ts';
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
  asked: ContactsInput | null | undefined,
  before: Contacts | null = null,
): Promise<Contacts | null> {
  if (asked === undefined || asked === null) return null;
  const { primary = before?.primary ?? null, emails = before?.emails ?? null } = asked;
  if (typeof asked.primary === 'string' && (await unit.get('member', memberKey(org, asked.primary))) === null) {
    throw unacceptable(
      'contact_unknown',
      'contacts.primary',
      `There is no member ${JSON.stringify(primary)} in this organization.`,
    );
  }
  for (const email of asked.emails ?? []) requireEmail(email, 'contacts.emails');
  return { primary, emails: emails ?? [] };
}
