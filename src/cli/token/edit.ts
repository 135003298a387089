/** `scopegate token edit`: what is given replaces what was. */
import { SetupError } from '../../errors.ts';
import type { Invocation } from '../command.ts';
import { type ChangeValues, note, printJson, receiptText, Session } from '../session.ts';
import { fieldList } from '../terminal.ts';
import { changedExpiry, type GrantValues, grantBody } from './grant.ts';
import { type Token, tokenFields, tokenName } from './token.ts';

export async function editCommand({ values, args, env }: Invocation<GrantValues & ChangeValues>): Promise<void> {
  const body = { ...grantBody(values), ...changedExpiry(values, Date.now()) };
  if (Object.keys(body).length === 0) throw new SetupError('nothing to change; see scopegate token edit --help');
  const session = await Session.open(values, env);
  const changed = await session.change<Token>({ method: 'PATCH', path: ['tokens', args[0]!], body }, values.wait);
  if (values.json) printJson(changed);
  else process.stdout.write(fieldList(tokenFields(changed, Date.now())));
  note(`${tokenName(changed)}: ${receiptText(changed, 'in force at')}`);
}
