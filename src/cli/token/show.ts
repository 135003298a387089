/** `scopegate token show` and `token find`: one token by its id, or by its text, which is read and never printed. */
import { SidecarRefusal } from '../../directory/sidecar.ts';
import type { Invocation } from '../command.ts';
import { readSecret } from '../read-secret.ts';
import { type ActingValues, note, type OrganizationValues, printJson, Session } from '../session.ts';
import { fieldList } from '../terminal.ts';
import { type Token, tokenFields } from './token.ts';

interface ShowValues extends OrganizationValues {
  readonly json: boolean;
}

interface FindValues extends ActingValues {
  readonly 'token-file': string;
  readonly json: boolean;
}

export async function showTokenCommand({ values, args, env }: Invocation<ShowValues>): Promise<void> {
  const session = await Session.open(values, env);
  const token = await session.get<Token>(['tokens', args[0]!]);
  if (values.json) printJson(token);
  else process.stdout.write(fieldList(tokenFields(token, Date.now())));
}

export async function findTokenCommand({ values, env }: Invocation<FindValues>): Promise<void> {
  const session = await Session.open(values, env);
  const body = { token: await readSecret(values['token-file'], 'token') };
  let found: Token & { readonly organizationId: string };
  try {
    found = (await session.client.send({ method: 'POST', path: '/v1/tokens/find', body })) as unknown as typeof found;
  } catch (error) {
    if (!(error instanceof SidecarRefusal) || error.status !== 404) throw error;
    if (values.json) printJson({ found: false });
    note('no token of this gateway');
    process.exitCode = 2;
    return;
  }
  if (values.json) return printJson({ found: true, ...found });
  const [id, ...rest] = tokenFields(found, Date.now());
  process.stdout.write(fieldList([id!, ['organization', found.organizationId], ...rest]));
}
