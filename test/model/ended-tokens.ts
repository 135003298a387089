/**
 * Two organizations with tokens of every kind in every state in which one can be refused, made over HTTP, and what a
 * request with each of them must get.
 */
import { expect } from 'vitest';
import { importable } from './grounds.ts';

export interface Tried {
  readonly what: string;
  readonly token: string;
  /** Absent: the scope alone. */
  readonly workspace?: string;
}

export interface EndedTokens {
  readonly refused: readonly Tried[];
  readonly allowed: readonly Tried[];
}

export interface Hands {
  call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
  tokenFor(client: { clientId: string; clientSecret: string }): Promise<string>;
  /** Lets time pass for the gateway and its sidecar. */
  pass(ms: number): void;
}

type Made = { readonly id: string; readonly token: string };
type Account = { readonly clientId: string; readonly clientSecret: string };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ORG = 'organizations/gone';
const ACTIONS = ['ManagePersonalTokens', 'ManageServiceTokens'];

export async function buildEndedTokens(hands: Hands): Promise<EndedTokens> {
  const builder = new Builder(hands);
  await builder.people();
  await builder.ownTokens();
  await builder.imported();
  await builder.accounts();
  await builder.cascades();
  await builder.formerOrganization();
  await builder.passing();
  return builder;
}

class Builder implements EndedTokens {
  readonly refused: Tried[] = [];
  readonly allowed: Tried[] = [];
  readonly #hands: Hands;

  constructor(hands: Hands) {
    this.#hands = hands;
  }

  async people(): Promise<void> {
    await this.#ok('PUT', ORG, { name: 'Gone', edition: 'team' });
    for (const id of ['ann', 'bob', 'cat', 'dan', 'eve', 'fay'])
      await this.#ok('PUT', `${ORG}/members/${id}`, { name: id, role: 'member', actions: ACTIONS });
    for (const [id, owner] of [
      ['w1', 'ann'],
      ['w2', 'bob'],
      ['w3', 'ann'],
      ['w4', 'cat'],
      ['w5', 'dan'],
    ])
      await this.#ok('PUT', `${ORG}/workspaces/${id}`, { name: id, owner });
    await this.#ok('PUT', `${ORG}/teams/t1`, { name: 't1', members: ['eve', 'fay'] });
    await this.#ok('PUT', `${ORG}/workspaces/w1/assignments/teams/t1`, { role: 'member' });
  }

  async ownTokens(): Promise<void> {
    this.#keep('an active one', await this.#mint('ann', ['w1']), 'w1');
    this.#keep('a service token', await this.#mint('ann', ['w1'], 'service'), 'w1');
    const elsewhere = await this.#mint('ann', ['w1']);
    this.refused.push({ what: 'a workspace that it was not granted', token: elsewhere.token, workspace: 'w2' });
    const joined = await this.#mint('bob', 'all');
    this.refused.push({ what: 'a workspace that its owner has not joined', token: joined.token, workspace: 'w1' });
    const narrow = await this.#mint('ann', ['w1'], 'personal', ['settings:read']);
    this.refused.push({ what: 'a scope that it has not', token: narrow.token });
    for (const kind of ['personal', 'service'])
      for (const [what, method, end] of [
        ['deactivated', 'POST', '/deactivate'],
        ['revoked', 'POST', '/revoke'],
        ['deleted', 'DELETE', ''],
      ] as const) {
        const { id, token } = await this.#mint('ann', ['w1'], kind);
        await this.#ok(method, `${ORG}/tokens/${id}${end}`);
        this.#end(`${kind}, ${what}`, token, 'w1');
      }
    const first = await this.#mint('ann', ['w1']);
    const second = await this.#rotate(first.id, 0);
    this.#end('a value that was replaced', first.token, 'w1');
    const third = await this.#rotate(first.id, 3600);
    this.#keep('a value in its grace', { ...first, token: second }, 'w1');
    const revoked = await this.#mint('ann', ['w1'], 'service');
    const late = await this.#rotate(revoked.id, 3600);
    await this.#ok('POST', `${ORG}/tokens/${revoked.id}/revoke`);
    this.#end('a value in its grace, of a revoked token', revoked.token, 'w1');
    this.#end('the newest value of a revoked token', late, 'w1');
    this.#keep('the newest value', { ...first, token: third }, 'w1');
    const twice = await this.#mint('ann', ['w1'], 'service');
    await this.#rotate(twice.id, 3600);
    await this.#rotate(twice.id, 3600);
    this.#end('a value whose grace was ended by another rotation', twice.token, 'w1');
  }

  async imported(): Promise<void> {
    const bring = async (kind: string) => {
      const { token, ...wanted } = importable('ann', ['w1'], kind);
      const { tokens } = (await this.#ok('POST', `${ORG}/tokens/import`, { tokens: [wanted] })) as {
        tokens: Array<{ id: string }>;
      };
      return { token, id: tokens[0]!.id };
    };
    for (const kind of ['personal', 'service']) {
      this.#keep(`${kind}, imported`, await bring(kind), 'w1');
      for (const [what, method, end] of [
        ['deactivated', 'POST', '/deactivate'],
        ['revoked', 'POST', '/revoke'],
        ['deleted', 'DELETE', ''],
      ] as const) {
        const { id, token } = await bring(kind);
        await this.#ok(method, `${ORG}/tokens/${id}${end}`);
        this.#end(`${kind}, imported and ${what}`, token, 'w1');
      }
      const { id, token } = await bring(kind);
      await this.#rotate(id, 0);
      this.#end(`${kind}, imported and replaced`, token, 'w1');
    }
  }

  async accounts(): Promise<void> {
    const going = await this.#account();
    this.#keep('an access token', { id: '', token: await this.#hands.tokenFor(going) });
    for (const [what, method, end] of [
      ['revoke-tokens', 'POST', '/revoke-tokens'],
      ['disabled with its tokens', 'POST', '/disable?tokens=revoke'],
      ['deleted with its tokens', 'DELETE', '?tokens=revoke'],
    ] as const) {
      const account = await this.#account();
      const token = await this.#hands.tokenFor(account);
      await this.#ok(method, `${ORG}/service-accounts/${account.clientId}${end}`);
      this.#end(`an account's token, ${what}`, token);
      if (end === '/revoke-tokens')
        this.#keep('an access token after them', { id: '', token: await this.#hands.tokenFor(account) });
      if (!end.startsWith('/disable')) continue;
      await this.#ok('POST', `${ORG}/service-accounts/${account.clientId}/enable`);
      this.#keep('an access token of an account that is enabled again', {
        id: '',
        token: await this.#hands.tokenFor(account),
      });
    }
  }

  async cascades(): Promise<void> {
    const removed = [
      await this.#mint('cat', ['w4']),
      await this.#mint('cat', 'all'),
      await this.#mint('cat', 'all', 'service'),
    ];
    await this.#ok('DELETE', `${ORG}/members/cat`);
    for (const { token } of removed.slice(0, 2)) this.#end("a removed member's", token, 'w4');
    this.refused.push({ what: "a removed member's, what they had", token: removed[2]!.token, workspace: 'w4' });
    const returned = [
      await this.#mint('dan', ['w5']),
      await this.#mint('dan', 'all'),
      await this.#mint('dan', 'all', 'service'),
    ];
    await this.#ok('DELETE', `${ORG}/members/dan`);
    await this.#ok('PUT', `${ORG}/members/dan`, { name: 'dan', role: 'member', actions: ACTIONS });
    for (const { token } of returned.slice(0, 2)) this.#end('of a member whose id another bears', token, 'w5');
    this.refused.push({ what: 'of a member whose id another bears', token: returned[2]!.token, workspace: 'w5' });
    const another = await this.#mint('dan', 'all');
    this.refused.push({ what: 'what another of the same id had', token: another.token, workspace: 'w5' });
    const sold = [await this.#mint('bob', ['w2']), await this.#mint('bob', 'all')];
    await this.#ok('POST', `${ORG}/workspaces/w2/transfer`, { owner: 'ann' });
    this.#end('of a workspace that changed hands', sold[0]!.token, 'w2');
    this.refused.push({ what: 'a workspace that changed hands', token: sold[1]!.token, workspace: 'w2' });
    const rebuilt = [await this.#mint('ann', ['w3']), await this.#mint('ann', ['w3'], 'service')];
    await this.#ok('DELETE', `${ORG}/workspaces/w3`);
    for (const { token } of rebuilt) this.refused.push({ what: 'a workspace made anew', token, workspace: 'w3' });
    await this.#ok('PUT', `${ORG}/workspaces/w3`, { name: 'w3', owner: 'ann' });
    const team = await this.#mint('eve', 'all');
    const stays = await this.#mint('fay', 'all');
    await this.#ok('PUT', `${ORG}/teams/t1`, { name: 't1', members: ['fay'] });
    this.refused.push({ what: 'a workspace of a team that was left', token: team.token, workspace: 'w1' });
    this.allowed.push({ what: 'a workspace of a team', token: stays.token, workspace: 'w1' });
  }

  async formerOrganization(): Promise<void> {
    const org = 'organizations/former';
    const found = async () => {
      await this.#ok('PUT', org, { name: 'Former', edition: 'team' });
      await this.#ok('PUT', `${org}/members/ann`, { name: 'ann', role: 'member', actions: ACTIONS });
      await this.#ok('PUT', `${org}/workspaces/w1`, { name: 'w1', owner: 'ann' });
    };
    await found();
    const tokens: string[] = [];
    for (const kind of ['personal', 'service'])
      tokens.push((await this.#mint('ann', ['w1'], kind, undefined, org)).token);
    tokens.push(await this.#hands.tokenFor(await this.#account(org)));
    await this.#ok('DELETE', org);
    await found();
    for (const token of tokens) this.#end('of an organization that was deleted, and founded anew', token, 'w1');
  }

  /** Last, since it ends what lives for minutes. */
  async passing(): Promise<void> {
    const graced = await this.#mint('ann', ['w1'], 'service');
    const newest = await this.#rotate(graced.id, 60);
    const short = await this.#mint('ann', ['w1'], 'service', undefined, ORG, 1);
    const ofAccount = await this.#hands.tokenFor(await this.#account());
    this.#hands.pass(DAY_MS + HOUR_MS);
    this.#end('a value whose grace is over', graced.token, 'w1');
    this.#end('an expired one', short.token, 'w1');
    this.#end('an access token that has expired', ofAccount);
    this.#keep('the value after it', { id: graced.id, token: newest }, 'w1');
    // What lived for less has ended by now.
    const gone = new Set(['a value in its grace', 'an access token', 'an access token after them']);
    gone.add('an access token of an account that is enabled again');
    for (const each of this.allowed.filter(({ what }) => gone.has(what))) this.refused.push(each);
    const alive = this.allowed.filter(({ what }) => !gone.has(what));
    this.allowed.splice(0, Number.POSITIVE_INFINITY, ...alive);
  }

  #keep(what: string, { token }: Made, workspace?: string): void {
    this.allowed.push({ what, token }, ...(workspace === undefined ? [] : [{ what, token, workspace }]));
  }

  #end(what: string, token: string, workspace?: string): void {
    this.refused.push({ what, token }, ...(workspace === undefined ? [] : [{ what, token, workspace }]));
  }

  async #ok(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.#hands.call(method, path, body);
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  }

  async #mint(
    owner: string,
    workspaces: readonly string[] | 'all',
    kind = 'personal',
    scopes: readonly string[] = ['content:read'],
    org = ORG,
    expiresInDays = 30,
  ): Promise<Made> {
    const wanted = { owner, kind, workspaces, scopes, expiresInDays, name: 'n' };
    return (await this.#ok('POST', `${org}/tokens`, wanted)) as Made;
  }

  async #rotate(id: string, graceSeconds: number): Promise<string> {
    return ((await this.#ok('POST', `${ORG}/tokens/${id}/rotate`, { graceSeconds })) as Made).token;
  }

  async #account(org = ORG): Promise<Account> {
    return (await this.#ok('POST', `${org}/service-accounts`, { name: 'robot', scopes: ['content:read'] })) as Account;
  }
}
