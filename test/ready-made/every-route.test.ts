/** Every route of policies/*.routes.yaml, driven through a gateway that includes the file: once allowed, and refused for each reason. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/process.ts';
import {
  ask,
  type Behind,
  catalogueOf,
  requestsFor,
  type ShippedRoute,
  shippedRoutes,
  startBehind,
} from './shipped-routes.ts';
import { SYSTEMS } from './systems.ts';

it('every file of routes is driven here', () => {
  const files = readdirSync(join(ROOT, 'policies')).filter((name) => name.endsWith('.routes.yaml'));
  expect(SYSTEMS.map(({ name }) => `${name}.routes.yaml`).toSorted()).toEqual(files.toSorted());
});

for (const system of SYSTEMS)
  describe(`policies/${system.name}.routes.yaml`, () => {
    const routes = shippedRoutes(system.name).toSorted((a, b) => Number('unregister' in a) - Number('unregister' in b));
    const guarded = routes.filter((route) => route.public !== true);
    const placed = guarded.filter(({ require }) => require?.workspace !== undefined);
    const scopes = (route: ShippedRoute) => route.require?.scopes ?? route.require?.anyOf ?? [];
    let behind: Behind;

    beforeAll(async () => {
      behind = await startBehind(system);
    });
    afterAll(() => behind?.[Symbol.asyncDispose]());

    /** What was answered otherwise than expected. */
    const wrong = async (of: readonly ShippedRoute[], where: 'in' | 'out', token: string | null, wanted: number) => {
      const found: object[] = [];
      for (const route of of) {
        for (const asked of requestsFor(route, where)) {
          const { status, reached } = await ask(behind, asked, token === null ? null : system.send(token));
          const isReached = reached === `${asked.method} ${asked.target}`;
          if (status !== wanted || isReached !== (wanted === 200))
            found.push({ id: route.id, ...asked, status, reached });
        }
      }
      return found;
    };

    it('asks for nothing without a token', async () => {
      expect(await wrong(guarded, 'in', null, 401)).toEqual([]);
    });

    it('refuses a token that lacks a scope of the route, whatever else it has', async () => {
      const scoped = guarded.filter((route) => scopes(route).length > 0);
      const found: object[] = [];
      for (const half of halvesOf(catalogueOf(system.name))) {
        const beyond = scoped.filter((route) => !scopes(route).every((scope) => half.includes(scope)));
        found.push(...(await behind.withToken('ann', half, (token) => wrong(beyond, 'in', token, 403))));
      }
      expect(found).toEqual([]);
    });

    it('refuses what is in a workspace that the token was not granted', async () => {
      const found = await behind.withToken('ann', catalogueOf(system.name), (token) =>
        wrong(placed, 'out', token, 403),
      );
      expect(found).toEqual([]);
    });

    it('refuses a member what the owner alone, collaborators or workspace admins may do, and nothing else', async () => {
      const mayHold = placed.filter((route) => scopes(route).every(system.joinerMay));
      const found = await behind.withToken('bee', [...new Set(mayHold.flatMap(scopes))], async (token) => [
        ...(await wrong(mayHold.filter(isNarrow), 'in', token, 403)),
        ...(await wrong(
          mayHold.filter((route) => !isNarrow(route)),
          'in',
          token,
          200,
        )),
      ]);
      expect(found).toEqual([]);
    });

    it('lets each of them through for whoever may', async () => {
      const found = await behind.withToken('ann', catalogueOf(system.name), (token) => wrong(routes, 'in', token, 200));
      expect(found).toEqual([]);
      expect(behind.gateway.errorLines).toEqual([]);
    });
  });

function isNarrow({ require }: ShippedRoute): boolean {
  return require?.resource !== undefined || require?.workspace?.role === 'admin';
}

/** Every other resource, and the rest: no half implies anything of the other, and every scope is missing in one. */
function halvesOf(catalogue: readonly string[]): readonly string[][] {
  const resourceOf = (scope: string) => scope.split(':')[0]!;
  const resources = [...new Set(catalogue.map(resourceOf))];
  return [0, 1].map((half) => catalogue.filter((scope) => resources.indexOf(resourceOf(scope)) % 2 === half));
}
