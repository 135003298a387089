/** `scopegate token edit`: what is given replaces what was; or the scopes become those that were used. */
import { SetupError } from '../../errors.ts';
import { isWanted } from '../ask-first.ts';
import type { Invocation } from '../command.ts';
import { type ChangeValues, note, printJson, receiptText, Session } from '../session.ts';
import { fieldList } from '../terminal.ts';
import { changedExpiry, type GrantValues, grantBody } from './grant.ts';
import { type Token, tokenFields, tokenName, usedOf } from './token.ts';

interface EditValues extends GrantValues, ChangeValues {
  readonly 'scopes-used': boolean;
  readonly yes: boolean;
}

export async function editCommand({ values, args, env }: Invocation<EditValues>): Promise<void> {
  const given = { ...grantBody(values), ...changedExpiry(values, Date.now()) };
  const narrow = values['scopes-used'];
  if (Object.keys(given).length === 0 && !narrow)
    throw new SetupError('nothing to change; see scopegate token edit --help');
  if (narrow && values.scope.length > 0)
    throw new SetupError('the scopes are those that were used (--scopes-used), or listed (--scope), not both');
  const session = await Session.open(values, env);
  const scopes = narrow ? await scopesToKeep(await session.get<Token>(['tokens', args[0]!]), values.yes) : null;
  if (narrow && scopes === null) return;
  const body = { ...given, ...(scopes === null ? {} : { scopes }) };
  const changed = await session.change<Token>({ method: 'PATCH', path: ['tokens', args[0]!], body }, values.wait);
  if (values.json) printJson(changed);
  else process.stdout.write(fieldList(tokenFields(changed, Date.now())));
  note(`${tokenName(changed)}: ${receiptText(changed, 'in force at')}`);
}

/** Those that were used, once whoever asks has seen what goes. null: there is nothing to take, or they do not want it. */
async function scopesToKeep(token: Token, yes: boolean): Promise<readonly string[] | null> {
  const { scopes, scopesUsedSince } = token;
  if (scopes === null)
    throw new SetupError(`${tokenName(token)} has the scopes of its owner: --scope SCOPE narrows it`);
  const used = usedOf(token);
  if (scopesUsedSince === null || used.length === 0)
    throw new SetupError(
      `no use of ${tokenName(token)} is known: nothing tells what it needs. scopegate token revoke ${token.id} ends it`,
    );
  const gone = scopes.filter((scope) => !used.includes(scope));
  if (gone.length === 0) {
    note(`${tokenName(token)} uses all of its scopes; nothing was changed`);
    return null;
  }
  note(
    `${tokenName(token)}, uses known since ${scopesUsedSince}\n  stays  ${used.join(' ')}\n  goes   ${gone.join(' ')}`,
  );
  return (await isWanted('take these scopes away?', yes)) ? used : null;
}
