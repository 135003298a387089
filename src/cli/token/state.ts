/** `scopegate token activate`, `deactivate`, `revoke` and `delete`: the state of one token, with the receipt of the change. */
import type { Invocation } from '../command.ts';
import { type ChangeReceipt, type ChangeValues, printJson, receiptText, Session } from '../session.ts';
import { type Token, tokenName } from './token.ts';

type Call = Invocation<ChangeValues>;

export const activateCommand = (call: Call) => changeState(call, 'activate', 'active', 'in force at');
export const deactivateCommand = (call: Call) => changeState(call, 'deactivate', 'deactivated', 'refused by');
export const revokeCommand = (call: Call) => changeState(call, 'revoke', 'revoked', 'refused by');

async function changeState({ values, args, env }: Call, path: string, now: string, verb: string): Promise<void> {
  const session = await Session.open(values, env);
  const changed = await session.change<Token>({ method: 'POST', path: ['tokens', args[0]!, path] }, values.wait);
  say(changed, values.json, `${tokenName(changed)}: ${now}, ${receiptText(changed, verb)}`);
}

export async function deleteCommand({ values, args, env }: Call): Promise<void> {
  const session = await Session.open(values, env);
  const gone = await session.change<object>({ method: 'DELETE', path: ['tokens', args[0]!] }, values.wait);
  say(gone, values.json, `token ${args[0]}: deleted, ${receiptText(gone, 'refused by')}`);
}

/** What became of it is the result. */
function say(answer: ChangeReceipt, json: boolean, text: string): void {
  if (json) printJson(answer);
  else process.stdout.write(`${text}\n`);
}
