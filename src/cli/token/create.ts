/** `scopegate token create`: prints the token alone, so that a script can take it. */
import type { Invocation } from '../command.ts';
import { type ChangeValues, note, printJson, receiptText, Session } from '../session.ts';
import { seen } from '../time-words.ts';
import { expiryOfNew, type GrantBody, type GrantValues, grantBody } from './grant.ts';
import { previewToken } from './preview.ts';
import { type Token, tokenName } from './token.ts';

interface CreateValues extends GrantValues, ChangeValues {
  readonly owner: string | undefined;
  readonly kind: string | undefined;
  readonly 'api-version': string | undefined;
  readonly contact: string | undefined;
  readonly like: string | undefined;
  readonly 'dry-run': boolean;
}

export async function createCommand({ values, env }: Invocation<CreateValues>): Promise<void> {
  const given = {
    ...grantBody(values),
    ...expiryOfNew(values),
    ...(values.owner === undefined ? {} : { owner: values.owner }),
    ...(values.kind === undefined ? {} : { kind: values.kind }),
    ...(values['api-version'] === undefined ? {} : { apiVersion: values['api-version'] }),
    ...(values.contact === undefined ? {} : { contacts: { primary: values.contact } }),
  };
  const session = await Session.open(values, env);
  const like = values.like === undefined ? {} : likeness(await session.get<Token>(['tokens', values.like]));
  const body = { ...like, ...given };
  if (values['dry-run']) return previewToken(session, body, values.json);
  const made = await session.change<Token & { readonly token: string }>(
    { method: 'POST', path: ['tokens'], body },
    values.wait,
  );
  if (values.json) printJson(made);
  else process.stdout.write(`${made.token}\n`);
  const ends = made.expiresAt === null ? 'never ends' : `ends ${seen(made.expiresAt, Date.now())}`;
  note(
    `${tokenName(made)} (${made.kind}, ${ends}): ${receiptText(made, 'in force at')}. Nothing shows its text again.`,
  );
}

/** Not its end: a new token has an end of its own. */
export function likeness(token: Token): GrantBody {
  const { name, kind, ownerId, scopes, workspaces, environments, allowedAddresses, apiVersion, contacts } = token;
  return {
    ...{ name, kind, workspaces },
    ...(ownerId === null ? {} : { owner: ownerId }),
    ...(scopes === null ? {} : { scopes }),
    ...(environments === null ? {} : { environments }),
    ...(allowedAddresses === null ? {} : { allowedAddresses }),
    ...(apiVersion === null ? {} : { apiVersion }),
    ...(contacts === null ? {} : { contacts }),
  };
}
