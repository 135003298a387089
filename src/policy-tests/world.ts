/**
 * What the requests of one test file find: its directory and its tokens, in a store of their own, made through the rules of
 * management under a policy. Judges no request.
 */

import type { TestToken } from '../config/schema/test-file-schema.ts';
import type { Env } from '../config/yaml/expand.ts';
import { type ReadFile, readYamlFile } from '../config/yaml/yaml-file.ts';
import type { Policy } from '../core/policy.ts';
import { readFact } from '../core/read-fact.ts';
import { execute } from '../directory/execute.ts';
import { preparePlan } from '../directory/prepare.ts';
import { Bug, ConfigError, type Problem } from '../errors.ts';
import { OPERATOR } from '../manage/actor.ts';
import type { ManageContext } from '../manage/context.ts';
import { createAccount } from '../manage/organization/accounts.ts';
import { putAssignment } from '../manage/organization/assignments.ts';
import { Rejection, unacceptable } from '../manage/rejection.ts';
import { findAccount, grantScopes, issueAccessToken } from '../manage/tokens/access-tokens.ts';
import type { TokenInput } from '../manage/tokens/new-token.ts';
import { changeTokenState } from '../manage/tokens/token-changes.ts';
import { createToken } from '../manage/tokens/tokens.ts';
import type { FactView, Loaded } from '../store/cache/fact-view.ts';
import { UncachedView } from '../store/cache/uncached-view.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { inMemorySidecar } from './in-memory-sidecar.ts';
import { filesNamed, type TestFile } from './test-file.ts';

export interface World {
  /** All that is true in it. */
  readonly facts: FactView;
  /** Their texts, by the name in the file. */
  readonly tokens: ReadonlyMap<string, string>;
  /** Tokens that are to be refused: with which code they were; null: they were made. */
  readonly refusals: ReadonlyMap<string, string | null>;
}

/** What making one is asked with. */
interface Making {
  /** Of this attempt: under another policy the same file may have none. */
  readonly problems: Problem[];
  readonly file: TestFile;
  readonly manage: ManageContext;
  readonly organizations: readonly string[];
  readonly accounts: Map<string, Account>;
}

interface Account {
  readonly organization: string;
  readonly clientId: string;
}

/** Rejects with ConfigError: what the directory or a token has wrong, where it stands. */
export async function makeWorld(file: TestFile, policy: Policy, env: Env, readFile?: ReadFile): Promise<World> {
  const store = new MemoryStore();
  const manage: ManageContext = { store, policy: () => policy, nowMs: () => file.nowMs, actor: OPERATOR };
  const organizations = await fillDirectory(file, manage, env, readFile);
  const problems: Problem[] = [];
  const making: Making = { problems, file, manage, organizations, accounts: new Map() };
  for (const name of Object.keys(file.data.accounts)) await makeAccount(name, making);
  throwIfAny(problems);
  const tokens = new Map<string, string>();
  const refusals = new Map<string, string | null>();
  for (const [name, token] of file.tokens) {
    try {
      tokens.set(name, await makeToken(name, token, making));
      if (token.refused !== undefined) refusals.set(name, null);
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      const { code, detail, field } = error.details;
      if (token.refused !== undefined) refusals.set(name, code);
      else {
        const at = file.yaml.at(['tokens', name, ...(field === undefined ? [] : [field])]);
        problems.push({ ...at, message: `${detail} (${code})` });
      }
    }
  }
  throwIfAny(problems);
  const load = (key: string): Loaded => {
    const lookup = store.read(key);
    if (lookup.kind === 'unavailable') return lookup;
    return { kind: 'known', fact: lookup.kind === 'absent' ? null : readFact(key, lookup.record) };
  };
  const facts = new UncachedView({ load, lastKnown: () => undefined, staleMs: () => 0 });
  return { facts, tokens, refusals };
}

function throwIfAny(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ConfigError(problems);
}

/** The organizations that there are then. */
async function fillDirectory(
  file: TestFile,
  manage: ManageContext,
  env: Env,
  readFile?: ReadFile,
): Promise<readonly string[]> {
  const sidecar = inMemorySidecar(manage);
  const { directory } = filesNamed(file);
  const yaml = directory === null ? file.yaml.part('directory') : readYamlFile(directory, env, readFile);
  const plan = await preparePlan(yaml, sidecar, { prune: false, onStep: () => undefined });
  const { failure } = await execute(sidecar, plan.changes, () => undefined);
  if (failure !== null) {
    yaml.problem(['organizations', ...failure.change.item.path], failure.error.message, { key: true });
    yaml.throwIfAny();
  }
  return plan.changes.filter(({ item }) => item.type === 'organization').map(({ item }) => item.path[0]!);
}

/** The only one, where none is named. */
function organizationOf(given: string | undefined, { organizations }: Making): string {
  if (given !== undefined) return given;
  const [only, ...others] = organizations;
  if (others.length === 0) return only!;
  throw unacceptable('owner_unknown', 'organization', `Name one of the organizations: ${organizations.join(', ')}.`);
}

async function makeAccount(name: string, making: Making): Promise<void> {
  const { problems, file, manage, accounts } = making;
  const { scopes, roles = {}, organization: given } = file.data.accounts[name]!;
  try {
    const organization = organizationOf(given, making);
    const { value } = await createAccount(manage, organization, { name, scopes });
    const { clientId } = value.doc;
    for (const [workspace, role] of Object.entries(roles))
      await putAssignment(manage, organization, workspace, 'service-accounts', clientId, role);
    accounts.set(name, { organization, clientId });
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    const at = file.yaml.at(['accounts', name], { key: true });
    problems.push({ ...at, message: `${error.message} (${error.details.code})` });
  }
}

async function makeToken(name: string, token: TestToken, making: Making): Promise<string> {
  const { organization: given, account, state = 'active', refused: _, like: __, neverExpires, ...grant } = token;
  if (account !== undefined) return accessToken(account, token, making);
  const { manage } = making;
  const organization = organizationOf(given, making);
  const input = { name, ...grant, ...(neverExpires === true ? { neverExpires } : {}) } as TokenInput;
  const { value } = await createToken(manage, organization, input);
  if (state === 'inactive') await changeTokenState(manage, organization, value.doc.id, 'deactivate');
  if (state === 'revoked') await changeTokenState(manage, organization, value.doc.id, 'revoke');
  return value.token;
}

/** As the OAuth endpoint issues it. */
async function accessToken(account: string, { scopes }: TestToken, { manage, accounts }: Making): Promise<string> {
  const named = accounts.get(account);
  const policy = manage.policy();
  const found = named === undefined ? null : await findAccount(manage.store, named.clientId);
  if (found === null) throw unacceptable('owner_unknown', 'account', `There is no account ${JSON.stringify(account)}.`);
  const granted = grantScopes(found.doc, policy, scopes ?? null);
  if (granted === null)
    throw unacceptable('scope_unknown', 'scopes', `The account ${account} is not granted all of these scopes.`);
  const { tokenLifeMs: lifeMs, liveTokensMax: liveMax } = policy.serviceAccounts!;
  const terms = { lifeMs, nowMs: manage.nowMs(), liveMax, told: false };
  const issued = await issueAccessToken(manage.store, found, granted, terms);
  if (issued === null || !('token' in issued)) throw new Bug('a fresh account was not issued a token');
  return issued.token;
}
