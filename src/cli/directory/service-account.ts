/** `scopegate service-account …`: one service account, with the receipt of each change. */
import { SetupError } from '../../errors.ts';
import type { Invocation } from '../command.ts';
import {
  type ChangeReceipt,
  type ChangeValues,
  note,
  type OrganizationValues,
  printJson,
  receiptText,
  Session,
  type SidecarChange,
} from '../session.ts';
import { fieldList } from '../terminal.ts';
import { type Account, accountFields, accountName } from './account.ts';

interface EditValues extends ChangeValues {
  readonly name: string | undefined;
  readonly scope: readonly string[];
}

interface EndValues extends ChangeValues {
  readonly 'revoke-tokens': boolean;
}

interface WithSecret extends Account {
  readonly clientSecret: string;
}

export async function createAccountCommand({ values, env }: Invocation<EditValues>): Promise<void> {
  if (values.name === undefined) throw new SetupError('a service account has a name: --name NAME');
  const body = { name: values.name, scopes: values.scope };
  await secretOf(values, env, { method: 'POST', path: ['service-accounts'], body }, 'created');
}

export async function rotateSecretCommand({ values, args, env }: Invocation<ChangeValues>): Promise<void> {
  await secretOf(values, env, { method: 'POST', path: below(args, 'rotate-secret') }, 'secret replaced');
}

/** Prints the secret alone. */
async function secretOf(values: ChangeValues, env: Invocation<unknown>['env'], change: SidecarChange, done: string) {
  const session = await Session.open(values, env);
  const account = await session.change<WithSecret>(change, values.wait);
  if (values.json) printJson(account);
  else process.stdout.write(`${account.clientSecret}\n`);
  note(`${accountName(account)}: ${done}, ${receiptText(account, 'in force at')}. Nothing shows its secret again.`);
}

export async function showAccountCommand({
  values,
  args,
  env,
}: Invocation<OrganizationValues & { readonly json: boolean }>): Promise<void> {
  const account = await (await Session.open(values, env)).get<Account>(below(args));
  if (values.json) printJson(account);
  else process.stdout.write(fieldList(accountFields(account)));
}

export async function editAccountCommand({ values, args, env }: Invocation<EditValues>): Promise<void> {
  const { name, scope } = values;
  const body = { ...(name === undefined ? {} : { name }), ...(scope.length === 0 ? {} : { scopes: scope }) };
  if (Object.keys(body).length === 0)
    throw new SetupError('nothing to change; see scopegate service-account edit --help');
  const session = await Session.open(values, env);
  const account = await session.change<Account>({ method: 'PATCH', path: below(args), body }, values.wait);
  if (values.json) printJson(account);
  else process.stdout.write(fieldList(accountFields(account)));
  note(`${accountName(account)}: ${receiptText(account, 'in force at')}`);
}

export async function disableAccountCommand(call: Invocation<EndValues>): Promise<void> {
  const change = { method: 'POST', path: below(call.args, 'disable'), ...revoking(call.values) } as const;
  const tokens = call.values['revoke-tokens'] ? 'disabled, its access tokens' : 'disabled';
  await end(call, change, tokens, 'refused by');
}

export async function enableAccountCommand(call: Invocation<ChangeValues>): Promise<void> {
  await end(call, { method: 'POST', path: below(call.args, 'enable') }, 'enabled,', 'in force at');
}

export async function revokeAccountTokensCommand(call: Invocation<ChangeValues>): Promise<void> {
  await end(call, { method: 'POST', path: below(call.args, 'revoke-tokens') }, 'its access tokens', 'refused by');
}

export async function deleteAccountCommand(call: Invocation<EndValues>): Promise<void> {
  const change = { method: 'DELETE', path: below(call.args), ...revoking(call.values) } as const;
  const tokens = call.values['revoke-tokens'] ? 'deleted, its access tokens' : 'deleted';
  await end(call, change, tokens, 'refused by');
}

/** `done` that speaks of tokens goes on with who refuses them; else it is the account that the processes know of. */
async function end({ values, args, env }: Invocation<ChangeValues>, change: SidecarChange, done: string, verb: string) {
  const session = await Session.open(values, env);
  const answer = await session.change<ChangeReceipt>(change, values.wait);
  const told =
    done.endsWith('tokens') || verb !== 'refused by'
      ? `${done} ${receiptText(answer, verb)}`
      : `${done}, ${receiptText(answer, 'known to')}`;
  if (values.json) printJson(answer);
  else process.stdout.write(`service account ${args[0]}: ${told}\n`);
}

function below([clientId]: readonly string[], ...rest: readonly string[]): string[] {
  return ['service-accounts', clientId!, ...rest];
}

function revoking(values: EndValues): { readonly query?: Record<string, string> } {
  return values['revoke-tokens'] ? { query: { tokens: 'revoke' } } : {};
}
