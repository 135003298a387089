/**
 * Somebody changes what is theirs without a pause, at one sidecar, while an administrator ends something in the same
 * organization at another one: what ends goes before what does not, and takes a bounded time.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { type Ground, type GroundName, importable, openGround, SHARED_GROUNDS } from './grounds.ts';

const RENAMING_AT_ONCE = 6;
/** Under way before anything is ended. */
const RENAMED_BEFORE = 30;
/** It took 21 s, and failed. */
const BOUND_MS = 5000;
/** Of the member who is removed. */
const TOKENS = 500;
const PATIENCE_MS = 60_000;

let ground: Ground;
let organizations = 0;

async function ok(method: string, path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>> {
  const answer = await ground.sidecars[0]!(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}

/** bob renames, ann and her workspace are in the way of somebody. */
async function found() {
  const org = `organizations/renaming-${++organizations}`;
  await ok('PUT', org, { name: 'Acme', edition: 'team' });
  for (const id of ['ann', 'bob']) await ok('PUT', `${org}/members/${id}`, { name: id, role: 'member' });
  for (const [id, owner] of [
    ['w1', 'ann'],
    ['w2', 'bob'],
  ])
    await ok('PUT', `${org}/workspaces/${id}`, { name: id, owner });
  const mint = async (owner: string, workspace: string) => {
    const wanted = { owner, name: 'n', scopes: ['content:read'], workspaces: [workspace], expiresInDays: 1 };
    return (await ok('POST', `${org}/tokens`, wanted)) as { readonly id: string; readonly token: string };
  };
  // So much to look at that the rest of the organization changes meanwhile.
  const tokens = Array.from({ length: TOKENS }, () => {
    const { token: _, ...wanted } = importable('ann', ['w1']);
    return wanted;
  });
  expect((await ok('POST', `${org}/tokens/import`, { tokens })).imported).toBe(TOKENS);
  const renamed = [];
  for (let nth = 0; nth < RENAMING_AT_ONCE; nth++) renamed.push((await mint('bob', 'w2')).id);
  return { org, token: (await mint('ann', 'w1')).token, renamed };
}

/** Each token by one client, all of them at the first sidecar, until stopped. */
class Renaming {
  done = 0;
  readonly refused: number[] = [];
  #running = true;
  #enough: () => void = () => {};
  readonly #reached = new Promise<void>((resolve) => {
    this.#enough = resolve;
  });
  readonly #clients: readonly Promise<void>[];

  constructor(org: string, tokens: readonly string[]) {
    this.#clients = tokens.map(async (id) => {
      while (this.#running && this.refused.length < RENAMED_BEFORE) {
        const { status } = await ground.sidecars[0]!(
          'PATCH',
          `${org}/tokens/${id}?wait=0`,
          { name: `n${this.done}` },
          'bob',
        );
        if (status === 200) this.done++;
        else if (this.#running) this.refused.push(status);
        if (this.done >= RENAMED_BEFORE) this.#enough();
      }
    });
  }

  async started(): Promise<void> {
    await Promise.race([this.#reached, Promise.all(this.#clients)]);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }
}

const ENDS: ReadonlyArray<readonly [string, string, (org: string) => string, string | undefined]> = [
  ['removes a member', 'DELETE', (org) => `${org}/members/ann`, undefined],
  ['deletes a workspace', 'DELETE', (org) => `${org}/workspaces/w1`, 'w1'],
  ['deletes the organization', 'DELETE', (org) => org, undefined],
];

describe.each(SHARED_GROUNDS.map((name) => ({ name })))('$name', ({ name }: { name: GroundName }) => {
  beforeAll(async () => {
    ground = await openGround(name);
  });
  afterAll(async () => {
    await ground[Symbol.asyncDispose]();
  });

  attack({
    name: 'a member renames tokens in a loop, several at once, while an administrator at another sidecar ends something',
    outcome: 'what is ended is ended within seconds; the renames wait',
    sources: [],
  })(() => {
    it.each(ENDS)('who %s', { timeout: PATIENCE_MS }, async (what, method, pathOf, workspace) => {
      const { org, token, renamed } = await found();
      for (const gate of ground.gates) expect(await gate.statusOf(token, workspace)).toBe(200);
      const renaming = new Renaming(org, renamed);
      await renaming.started();
      const calledMs = performance.now();
      const { status, body } = await ground.sidecars[1]!(method, pathOf(org));
      const tookMs = performance.now() - calledMs;
      const statuses = await Promise.all(ground.gates.map((gate) => gate.statusOf(token, workspace)));
      await renaming.stop();
      process.stdout.write(`${name}, ${what}: ${Math.round(tookMs)} ms among ${renaming.done} renames\n`);
      expect(status, JSON.stringify(body)).toBe(200);
      for (const refused of statuses) expect([401, 403]).toContain(refused);
      expect(tookMs).toBeLessThan(BOUND_MS);
    });
  });
});
