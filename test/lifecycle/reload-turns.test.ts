/** A reload of thousands of routes while requests go on: nobody waits for it, and every request gets one answer. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Serve, Serves } from '../support/serves.ts';
import { type TurnMeter, turnMeter } from '../support/turns.ts';

/** What no turn may take. */
const TURN_MAX_MS = 20;
/** The first of its kind also has its code compiled. */
const TRIES = 5;
const ROUTES = 3000;

let serves: Serves;
let serve: Serve;
let meter: TurnMeter;
let text: string;
beforeAll(async () => {
  serves = new Serves('http://127.0.0.1:9');
  text = readFileSync(path(), 'utf8').replace(/^routes:.*$/m, '');
  meter = turnMeter();
  serve = await serves.start(undefined, ['env', ...Object.entries(meter.env).map((pair) => pair.join('='))]);
}, 60_000);
afterAll(() => serves[Symbol.dispose]());

const path = () => join(serves.folder, 'gateway.yaml');

function write(name: string, scope = (_index: number) => 'workflows:read'): void {
  const routes = Array.from(
    { length: ROUTES },
    (_, index) =>
      `  - { id: ${name}${index}, match: { path: "/${name}/b${index}/{id}" }, require: { scopes: ["${scope(index)}"] }, upstream: api }`,
  );
  writeFileSync(path(), `${text}\nroutes:\n${routes.join('\n')}\n`);
}

/** Asks without a pause until the work is done: who has been told 401 was routed, and 404 was not. */
async function asking<T>(name: string, work: () => Promise<T>): Promise<{ value: T; statuses: readonly number[] }> {
  const statuses: number[] = [];
  let done = false;
  const value = work().finally(() => {
    done = true;
  });
  const ask = async () => {
    const answer = await fetch(`${serve.gatewayUrl}/${name}/b${ROUTES - 1}/x`);
    await answer.text();
    statuses.push(answer.status);
  };
  while (!done) await ask();
  await ask();
  return { value: await value, statuses };
}

it(`a reload of ${ROUTES} routes takes no turn over ${TURN_MAX_MS} ms, and is in force at once for all of them`, async () => {
  let best = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES && best >= TURN_MAX_MS; tries++) {
    const name = `n${tries}`;
    write(name);
    const { value, turn } = await meter.during(() => asking(name, () => serve.call('POST', '/v1/reload')));
    expect(value.value).toMatchObject({ status: 200, body: { configuration: { routes: ROUTES } } });
    // Not there, and from one request on there.
    const before = value.statuses.lastIndexOf(404);
    expect(new Set(value.statuses.slice(0, before + 1)).size).toBeLessThan(2);
    expect(new Set(value.statuses.slice(before + 1))).toEqual(new Set([401]));
    best = Math.min(best, turn.atMostMs);
  }
  expect(best).toBeLessThan(TURN_MAX_MS);
}, 180_000);

it('so does one that is refused for a mistake in each of them, and it tells the first ones', async () => {
  let best = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES && best >= TURN_MAX_MS; tries++) {
    write('bad', (index) => `nobody:knows${index}`);
    const { value, turn } = await meter.during(() => asking('bad', () => serve.call('POST', '/v1/reload')));
    const { problems } = value.value.body as { problems: ReadonlyArray<{ message: string }> };
    expect(value.value.status).toBe(422);
    expect(problems[0]!.message).toContain('nobody:knows0');
    expect(problems.at(-1)!.message).toContain(`and ${ROUTES - problems.length + 1} more problems`);
    expect(new Set(value.statuses)).toEqual(new Set([404]));
    best = Math.min(best, turn.atMostMs);
  }
  expect(best).toBeLessThan(TURN_MAX_MS);
}, 180_000);
