/**
 * One organization in which several actors do as they are told, at once, over HTTP. Notes of each change when it was
 * called for and answered, and of each request whether its answer agrees with the rules.
 */
import { timePasses } from '../support/time.ts';
import { type Answer, type Client, type Ground, importable } from './grounds.ts';
import { Happening, Life, Register } from './happenings.ts';
import {
  type Account,
  issues,
  mustWork,
  mustWorkThere,
  type Places,
  type Token,
  type Value,
  type Workspace,
  whyRefused,
  whyRefusedThere,
} from './rules.ts';
import { MEMBERS, type Step, WORKSPACES } from './steps.ts';

const ACTIONS = ['ManagePersonalTokens', 'ManageServiceTokens'];
const SCOPES = ['content:read'];
const STILL_DELETING_TRIES = 20;
const LOOKED_AT_AFTER_A_CHANGE = 3;
/** Other serves hear of what was changed at an OAuth endpoint within it. */
const HEARD_WITHIN_MS = 3000;

/** Turns by name: whoever makes and removes something under an id does so alone. */
class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  async with(names: readonly string[], work: () => Promise<void>): Promise<void> {
    const before = names.map((name) => this.#last.get(name));
    const turn = Promise.all(before).then(work);
    const over = turn.catch(() => undefined);
    for (const name of names) this.#last.set(name, over);
    await turn;
  }
}

export class Harness {
  readonly history: string[] = [];
  readonly faults: string[] = [];
  /** Requests and changes that were answered with 5xx. */
  unavailable = 0;
  requests = 0;
  /** Of those, how many had to be refused, and how many allowed; of the others the rules say nothing. */
  readonly sure = { refused: 0, allowed: 0 };
  readonly #ground: Ground;
  readonly #org: string;
  readonly #startedMs = performance.now();
  readonly #turns = new Turns();
  readonly #orgs: Life[] = [];
  readonly #members = new Map<string, Life[]>(MEMBERS.map((id) => [id, []]));
  readonly #workspaces = new Map<string, Workspace[]>(WORKSPACES.map((id) => [id, []]));
  readonly #team = new Register<readonly Life[]>();
  readonly #tokens: Token[] = [];
  readonly #values: Value[] = [];
  readonly #accounts: Account[] = [];
  readonly #imported: Array<{ readonly value: Value; readonly wanted: object }> = [];
  #looked = 0;

  constructor(ground: Ground, name: string) {
    this.#ground = ground;
    this.#org = `organizations/${name}`;
  }

  async found(): Promise<void> {
    await this.#foundOrganization();
    const steps: readonly Step[] = [
      { do: 'token.create', owner: 'ann', kind: 'personal', workspaces: 'w1' },
      { do: 'token.create', owner: 'ann', kind: 'service', workspaces: 'w1' },
      { do: 'token.create', owner: 'bob', kind: 'personal', workspaces: 'all' },
      { do: 'token.import', owner: 'bob', kind: 'personal', workspaces: 'w2' },
      { do: 'account.create' },
      { do: 'account.issue', account: 0, gate: 0 },
      { do: 'account.issue', account: 0, gate: 1 },
    ];
    for (const step of steps) await this.act('-', step);
  }

  async act(actor: string, step: Step): Promise<void> {
    if (step.do === 'pause') return timePasses(step.ms, 'a step of the model');
    const before = this.history.length;
    const line = `${actor}: ${Object.values(step).join(' ')}`;
    const values = await this.#execute(step, line);
    if (this.history.length === before) return;
    for (const value of values.slice(-LOOKED_AT_AFTER_A_CHANGE)) await this.#lookAt(value);
  }

  /** Every value at every process. */
  async lookAtAll(): Promise<void> {
    for (const value of this.#values) await this.#lookAt(value);
  }

  /** Everything that could bring back what has ended. */
  async revive(): Promise<void> {
    for (const token of this.#tokens)
      if (token.kind !== 'access') await this.act('-', { do: 'token.activate', token: token.number });
    for (const number of this.#accounts.keys()) {
      await this.act('-', { do: 'account.enable', account: number });
      await this.act('-', { do: 'account.issue', account: number, gate: number });
    }
    for (const id of MEMBERS) await this.#makeMember(id, `-: member.make ${id}`);
    for (const id of WORKSPACES) await this.#makeWorkspace(id, `-: workspace.make ${id}`);
    for (const number of this.#imported.keys()) await this.act('-', { do: 'token.import-again', token: number });
    for (const owner of MEMBERS)
      await this.act('-', { do: 'token.create', owner, kind: 'personal', workspaces: 'all' });
  }

  /** What to look at afterwards. */
  async #execute(step: Step, line: string): Promise<readonly Value[]> {
    switch (step.do) {
      case 'token.create':
        return this.#createToken(step, line);
      case 'token.import':
        return this.#importToken(step, line);
      case 'token.import-again':
        return this.#importAgain(step.token, line);
      case 'token.rotate':
        return this.#rotate(step.token, step.graceSeconds, line);
      case 'token.revoke':
      case 'token.delete':
      case 'token.activate':
      case 'token.deactivate':
        return this.#changeToken(step.do, step.token, line);
      case 'value.revoke':
        return this.#revokeValue(step.value, line);
      case 'account.create':
        return this.#createAccount(line);
      case 'account.issue':
        return this.#issue(step, line);
      case 'account.disable':
      case 'account.delete':
      case 'account.enable':
      case 'account.revoke-tokens':
      case 'account.rotate-secret':
        return this.#changeAccount(step, line);
      case 'look':
        return this.#values.length === 0 ? [] : this.#lookAt(this.#values[step.value % this.#values.length]!);
      default:
        await this.#changeDirectory(step, line);
        return this.#nextValues();
    }
  }

  async #changeDirectory(step: Step, line: string): Promise<void> {
    switch (step.do) {
      case 'member.remove':
        return this.#turns.with([step.id], () => this.#removeMember(step.id, line));
      case 'member.renew':
        return this.#turns.with([step.id], async () => {
          await this.#removeMember(step.id, line);
          await this.#makeMember(step.id, line);
        });
      case 'workspace.transfer':
        return this.#transfer(step.id, step.owner, line);
      case 'workspace.delete':
        return this.#turns.with([step.id], () => this.#deleteWorkspace(step.id, line));
      case 'workspace.renew':
        return this.#turns.with([step.id], async () => {
          await this.#deleteWorkspace(step.id, line);
          await this.#makeWorkspace(step.id, line);
        });
      case 'team.put':
        return this.#putTeam(step.members, line);
      case 'organization.renew':
        return this.#turns.with([...MEMBERS, ...WORKSPACES], () => this.#renewOrganization(line));
    }
  }

  // Changes.

  async #call(at: Happening, line: string, method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.#ground.call(method, path, body).catch((error: Error): Answer => {
      return { status: 599, body: { code: error.message } };
    });
    this.#answered(at, line, answer);
    return answer;
  }

  #answered(at: Happening, line: string, { status, body }: Answer): void {
    if (status >= 500) this.unavailable++;
    const outcome = status >= 500 || body.applied === false ? 'unknown' : status < 300 ? 'done' : 'refused';
    at.answered(outcome);
    const [from, to] = [at.startMs, performance.now()].map((ms) => (ms - this.#startedMs).toFixed(1));
    const why = outcome === 'done' ? '' : ` (${status} ${String(body.code ?? body.error ?? '')})`;
    this.history.push(`${from!.padStart(7)} … ${to!.padStart(7)}  ${line}: ${outcome}${why}`);
  }

  async #foundOrganization(): Promise<void> {
    const line = '-: found';
    const org = new Happening();
    this.#orgs.push(new Life(this.#org, org));
    const wanted = { name: 'Model', edition: 'team' };
    await this.#whenDeleted(org, (at) => this.#call(at, line, 'PUT', this.#org, wanted));
    for (const id of MEMBERS) await this.#makeMember(id, line);
    const team = new Happening();
    this.#team.write(this.#possibleMembers(['bob'], team), team);
    await this.#call(team, line, 'PUT', `${this.#org}/teams/t1`, { name: 't1', members: ['bob'] });
    await this.#makeWorkspace('w1', line, true);
    const assigned = `${this.#org}/workspaces/w1/assignments/teams/t1`;
    await this.#call(new Happening(), line, 'PUT', assigned, { role: 'member' });
    await this.#makeWorkspace('w2', line);
  }

  /** What was deleted is removed by and by, and its id cannot be used until then. A refused try has no effect. */
  async #whenDeleted(at: Happening, make: (at: Happening) => Promise<Answer>): Promise<void> {
    for (let tries = 1; ; tries++) {
      const attempt = new Happening();
      const { body } = await make(attempt);
      if (body.code === 'still_deleting' && tries < STILL_DELETING_TRIES) continue;
      at.answered(attempt.outcome === 'open' ? 'unknown' : attempt.outcome);
      return;
    }
  }

  async #makeMember(id: string, line: string): Promise<void> {
    const lives = this.#members.get(id)!;
    const last = lives.at(-1);
    if (last !== undefined && !last.isSurelyOver(performance.now())) return;
    const at = new Happening();
    lives.push(new Life(id, at));
    const wanted = { name: id, role: 'member', actions: ACTIONS };
    await this.#call(at, line, 'PUT', `${this.#org}/members/${id}`, wanted);
    if (at.outcome === 'refused') lives.pop();
  }

  async #removeMember(id: string, line: string): Promise<void> {
    const life = this.#members.get(id)!.at(-1);
    if (life === undefined || life.isSurelyOver(performance.now())) return;
    const at = new Happening();
    life.ends.push(at);
    await this.#call(at, line, 'DELETE', `${this.#org}/members/${id}`);
  }

  async #makeWorkspace(id: string, line: string, isTeams = false): Promise<void> {
    const lives = this.#workspaces.get(id)!;
    const last = lives.at(-1);
    if (last !== undefined && !last.isSurelyOver(performance.now())) return;
    const owner = id === 'w1' ? 'ann' : 'bob';
    const at = new Happening();
    const register = new Register<readonly Life[]>();
    const owners: Life[] = this.#possibleMembers([owner], at);
    register.write(owners, at);
    const life = Object.assign(new Life(id, at), { owner: register, isTeams, transfers: [] }) as Workspace;
    lives.push(life);
    await this.#whenDeleted(at, (attempt) =>
      this.#call(attempt, line, 'PUT', `${this.#org}/workspaces/${id}`, { name: id, owner }),
    );
    for (const each of this.#possibleMembers([owner], at)) if (!owners.includes(each)) owners.push(each);
    if (at.outcome === 'refused') lives.pop();
  }

  async #deleteWorkspace(id: string, line: string): Promise<void> {
    const life = this.#workspaces.get(id)!.at(-1);
    if (life === undefined || life.isSurelyOver(performance.now())) return;
    const at = new Happening();
    life.ends.push(at);
    await this.#call(at, line, 'DELETE', `${this.#org}/workspaces/${id}`);
  }

  async #transfer(id: string, owner: string, line: string): Promise<void> {
    const at = new Happening();
    const there = this.#workspaces.get(id)!.filter((life) => !life.isSurelyOver(at.startMs));
    const owners: Life[] = [...this.#possibleMembers([owner], at)];
    const transfers = there.map((life) => {
      const transfer = { at, isChange: false };
      life.transfers.push(transfer);
      life.owner.write(owners, at);
      return transfer;
    });
    await this.#call(at, line, 'POST', `${this.#org}/workspaces/${id}/transfer`, { owner });
    for (const life of this.#possibleMembers([owner], at)) if (!owners.includes(life)) owners.push(life);
    const possible = this.#workspaces.get(id)!.filter((life) => life.isPossibleIn(at));
    const [only] = possible;
    if (possible.length !== 1 || only !== there[0]) return;
    const before = only!.owner.possibleIn(at).filter((each) => each !== owners);
    transfers[0]!.isChange = before.every((each) => !each.some((life) => owners.includes(life)));
  }

  async #putTeam(members: readonly string[], line: string): Promise<void> {
    const at = new Happening();
    const lives: Life[] = [...this.#possibleMembers(members, at)];
    this.#team.write(lives, at);
    await this.#call(at, line, 'PUT', `${this.#org}/teams/t1`, { name: 't1', members });
    for (const life of this.#possibleMembers(members, at)) if (!lives.includes(life)) lives.push(life);
  }

  async #renewOrganization(line: string): Promise<void> {
    const at = new Happening();
    const current = [this.#orgs, ...this.#members.values(), ...this.#workspaces.values()].map((lives) => lives.at(-1));
    for (const life of current) life?.ends.push(at);
    await this.#call(at, line, 'DELETE', this.#org);
    if (at.outcome === 'done') await this.#foundOrganization();
  }

  #possibleMembers(ids: readonly string[], at: Happening): Life[] {
    return ids.flatMap((id) => this.#members.get(id)!.filter((life) => life.isPossibleIn(at)));
  }

  // Tokens.

  async #createToken(step: Step & { do: 'token.create' }, line: string): Promise<readonly Value[]> {
    const at = new Happening();
    const { owner, kind } = step;
    const workspaces = step.workspaces === 'all' ? 'all' : [step.workspaces];
    const wanted = { owner, kind, workspaces, name: 'n', scopes: SCOPES, expiresInDays: 1 };
    const { body } = await this.#call(at, line, 'POST', `${this.#org}/tokens`, wanted);
    if (typeof body.token !== 'string') return [];
    return [this.#newToken({ at, step, id: body.id as string, text: body.token })];
  }

  async #importToken(step: Step & { do: 'token.import' }, line: string): Promise<readonly Value[]> {
    const at = new Happening();
    const workspaces = step.workspaces === 'all' ? 'all' : [step.workspaces];
    const { token: text, ...wanted } = importable(step.owner, workspaces, step.kind);
    const { body } = await this.#call(at, line, 'POST', `${this.#org}/tokens/import`, { tokens: [wanted] });
    const [result] = (body.tokens ?? []) as Array<{ outcome: string; id: string }>;
    if (result?.outcome !== 'imported') {
      at.outcome = 'refused';
      return [];
    }
    const value = this.#newToken({ at, step, id: result.id, text });
    this.#imported.push({ value, wanted });
    return [value];
  }

  async #importAgain(number: number, line: string): Promise<readonly Value[]> {
    const found = this.#imported[number % this.#imported.length];
    if (found === undefined) return [];
    const body = { tokens: [found.wanted] };
    const answer = await this.#call(new Happening(), line, 'POST', `${this.#org}/tokens/import`, body);
    const [result] = (answer.body.tokens ?? []) as Array<{ outcome: string }>;
    if (result?.outcome === 'imported')
      this.faults.push(`${line}: the value of #${found.value.token.number} is taken in twice`);
    return [found.value];
  }

  #newToken(made: {
    readonly at: Happening;
    readonly step: { readonly owner: string; readonly kind: 'personal' | 'service'; readonly workspaces: string };
    readonly id: string;
    readonly text: string;
  }): Value {
    const { at, step, id, text } = made;
    const possible = this.#workspaces.get(step.workspaces)?.filter((life) => life.isPossibleIn(at)) ?? null;
    return this.#add(text, at, {
      ...{ id, kind: step.kind, born: at, account: null, listed: possible },
      owners: this.#possibleMembers([step.owner], at),
      orgs: this.#orgs.filter((org) => org.isPossibleIn(at)),
    });
  }

  #add(text: string, at: Happening, more: Omit<Token, 'number' | 'ends' | 'isActive' | 'rotations'>): Value {
    const isActive = new Register<boolean>();
    isActive.write(true, at);
    const token: Token = { ...more, number: this.#tokens.length, ends: [], isActive, rotations: [] };
    this.#tokens.push(token);
    const value = { text, token, born: at };
    this.#values.push(value);
    return value;
  }

  async #rotate(number: number, graceSeconds: number, line: string): Promise<readonly Value[]> {
    const token = this.#token(number);
    if (token === undefined) return [];
    const at = new Happening();
    token.rotations.push({ at, graceMs: graceSeconds * 1000 });
    const path = `${this.#org}/tokens/${token.id}/rotate`;
    const { body } = await this.#call(at, line, 'POST', path, { graceSeconds });
    if (typeof body.token === 'string') this.#values.push({ text: body.token, token, born: at });
    return this.#valuesOf(token);
  }

  async #changeToken(what: Step['do'], number: number, line: string): Promise<readonly Value[]> {
    const token = this.#token(number);
    if (token === undefined) return [];
    const verb = what.slice('token.'.length);
    const at = new Happening();
    if (verb === 'activate' || verb === 'deactivate') token.isActive.write(verb === 'activate', at);
    else token.ends.push(at);
    const path = `${this.#org}/tokens/${token.id}`;
    if (verb === 'delete') await this.#call(at, line, 'DELETE', path);
    else await this.#call(at, line, 'POST', `${path}/${verb}`);
    return this.#valuesOf(token);
  }

  /** With the admin key, at a gateway; a value that is none any more is no error and has no effect. */
  async #revokeValue(number: number, line: string): Promise<readonly Value[]> {
    const value = this.#values[number % this.#values.length];
    if (value === undefined) return [];
    const at = new Happening();
    value.token.ends.push(at);
    const gate = this.#ground.gates[number % this.#ground.gates.length]!;
    const answer = await gate
      .revoke(value.text)
      .catch((error: Error): Answer => ({ status: 599, body: { code: error.message } }));
    const works = mustWork(
      { ...value, token: { ...value.token, ends: value.token.ends.filter((end) => end !== at) } },
      {
        startMs: at.startMs,
        endMs: performance.now(),
      },
    );
    const isOurs = !value.text.startsWith('key-');
    if (!works || !isOurs || answer.status !== 200) {
      this.#answered(at, line, { ...answer, body: { ...answer.body, applied: false } });
      if (!isOurs) at.answered('refused');
      return this.#valuesOf(value.token);
    }
    if (this.#ground.sidecars.length > 1) await this.#untilHeard(value, line);
    this.#answered(at, line, answer);
    return this.#valuesOf(value.token);
  }

  async #untilHeard(value: Value, line: string): Promise<void> {
    const untilMs = performance.now() + HEARD_WITHIN_MS;
    for (const gate of this.#ground.gates)
      while ((await gate.statusOf(value.text)) === 200)
        if (performance.now() > untilMs) {
          this.faults.push(`${line}: not heard of elsewhere within ${HEARD_WITHIN_MS} ms`);
          return;
        }
  }

  // Service accounts.

  async #createAccount(line: string): Promise<readonly Value[]> {
    const at = new Happening();
    const wanted = { name: 'robot', scopes: SCOPES };
    const { body } = await this.#call(at, line, 'POST', `${this.#org}/service-accounts`, wanted);
    if (typeof body.clientId !== 'string') return [];
    const isEnabled = new Register<boolean>();
    isEnabled.write(true, at);
    this.#accounts.push({
      ...{ clientId: body.clientId, born: at, isEnabled, enables: [], ends: [], rotations: [], deletions: [] },
      orgs: this.#orgs.filter((org) => org.isPossibleIn(at)),
      secrets: [{ text: body.clientSecret as string, born: at }],
    });
    return [];
  }

  async #issue(step: Step & { do: 'account.issue' }, line: string): Promise<readonly Value[]> {
    const account = this.#accounts[step.account % this.#accounts.length];
    if (account === undefined) return [];
    // Now and then with one that was replaced.
    const secret = account.secrets.at(step.account % 5 === 4 ? 0 : -1)!;
    const gate = this.#ground.gates[step.gate % this.#ground.gates.length]!;
    const at = new Happening();
    const client: Client = { clientId: account.clientId, clientSecret: secret.text };
    const answer = await gate
      .tokenFor(client)
      .catch((error: Error): Answer => ({ status: 599, body: { code: error.message } }));
    const issued = issues(account, secret, { startMs: at.startMs, endMs: performance.now() });
    this.#answered(at, line, answer);
    const got = answer.status === 200;
    if (got && issued === 'no') this.faults.push(`${line}: got a token and must not`);
    if (answer.status < 500 && !got && issued === 'yes')
      this.faults.push(`${line}: was refused (${answer.status}) and must not`);
    if (!got) return [];
    const token = { id: '', kind: 'access', born: at, orgs: account.orgs, owners: [], account, listed: null } as const;
    return [this.#add(answer.body.access_token as string, at, token)];
  }

  async #changeAccount(step: Extract<Step, { account: number }>, line: string): Promise<readonly Value[]> {
    const account = this.#accounts[step.account % this.#accounts.length];
    if (account === undefined) return [];
    const path = `${this.#org}/service-accounts/${account.clientId}`;
    const at = new Happening();
    const withTokens = 'withTokens' in step && step.withTokens;
    const query = withTokens ? '?tokens=revoke' : '';
    if (step.do === 'account.disable' || step.do === 'account.delete') {
      const isFinal = step.do === 'account.delete';
      if (isFinal) account.deletions.push(at);
      else account.isEnabled.write(false, at);
      if (withTokens) account.ends.push({ at, stopsIssuing: true, isFinal });
      if (isFinal) await this.#call(at, line, 'DELETE', path + query);
      else await this.#call(at, line, 'POST', `${path}/disable${query}`);
    } else if (step.do === 'account.enable') {
      account.isEnabled.write(true, at);
      account.enables.push(at);
      await this.#call(at, line, 'POST', `${path}/enable`);
    } else if (step.do === 'account.revoke-tokens') {
      account.ends.push({ at, stopsIssuing: false, isFinal: false });
      await this.#call(at, line, 'POST', `${path}/revoke-tokens`);
    } else {
      account.rotations.push(at);
      const { body } = await this.#call(at, line, 'POST', `${path}/rotate-secret`);
      if (typeof body.clientSecret === 'string') account.secrets.push({ text: body.clientSecret, born: at });
    }
    return this.#values.filter(({ token }) => token.account === account);
  }

  // Requests.

  async #lookAt(value: Value): Promise<readonly Value[]> {
    for (const [number, gate] of this.#ground.gates.entries()) {
      await this.#ask(value, number, (text) => gate.statusOf(text));
      for (const id of WORKSPACES) {
        const places = { lives: this.#workspaces.get(id)!, team: this.#team };
        await this.#ask(value, number, (text) => gate.statusOf(text, id), places);
      }
    }
    return [];
  }

  async #ask(value: Value, gate: number, ask: (text: string) => Promise<number>, places?: Places): Promise<void> {
    this.requests++;
    const startMs = performance.now();
    const status = await ask(value.text).catch(() => 599);
    const during = { startMs, endMs: performance.now() };
    if (status >= 500) this.unavailable++;
    const { token } = value;
    const where = places === undefined ? '' : ` in ${places.lives[0]?.id}`;
    const nth = this.#valuesOf(token).indexOf(value);
    const when = `${(startMs - this.#startedMs).toFixed(1)} … ${(during.endMs - this.#startedMs).toFixed(1)}`;
    const what = `${when}: value ${nth} of token #${token.number} (${token.kind})${where} at process ${gate}`;
    const why = whyRefused(value, during) ?? (places === undefined ? null : whyRefusedThere(value, places, during));
    if (why !== null) this.sure.refused++;
    if (status === 200 && why !== null) this.faults.push(`${what} is allowed, although ${why}`);
    const must = places === undefined ? mustWork(value, during) : mustWorkThere(value, places, during);
    if (must) this.sure.allowed++;
    if (must && why !== null) throw new Error(`the rules contradict themselves: ${what} must work, although ${why}`);
    if ((status === 401 || status === 403) && must)
      this.faults.push(`${what} is refused (${status}), and nothing has ended it`);
  }

  #nextValues(): Value[] {
    this.#looked += LOOKED_AT_AFTER_A_CHANGE;
    const from = this.#looked;
    return Array.from(
      { length: LOOKED_AT_AFTER_A_CHANGE },
      (_, nth) => this.#values[(from + nth) % this.#values.length]!,
    );
  }

  #token(number: number): Token | undefined {
    const own = this.#tokens.filter(({ kind }) => kind !== 'access');
    return this.#tokens[number]?.kind !== 'access' && this.#tokens[number] !== undefined
      ? this.#tokens[number]
      : own[number % own.length];
  }

  #valuesOf(token: Token): Value[] {
    return this.#values.filter((value) => value.token === token);
  }
}
