/** Nothing on a page of the console moves by itself when its answers come, and come late and one after another. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { timePasses } from '../support/time.ts';
import { hasTool } from '../support/tools.ts';
import { LOOKS, type OpenConsole } from './harness.ts';
import { openPeopleConsole, shiftsOf } from './people.ts';

/** Long enough for what waits for it to be painted without it. */
const LATE_MS = 150;
const PAGES: ReadonlyArray<readonly [path: string, shown: string]> = [
  ['/o/acme/tokens', 'td.name'],
  ['/o/acme/tokens/TOKEN', '.reach-sum'],
  ['/o/acme/tokens/TOKEN/edit', 'form input'],
  ['/o/acme/tokens/new', '.group'],
  ['/o/acme/members', 'td.name'],
  ['/o/acme/members/bob', 'dl.facts'],
  ['/o/acme/teams/crew', 'dl.facts'],
  ['/o/acme/workspaces/ws_sales', 'dl.facts'],
  ['/o/acme/audit', 'td.act'],
  ['/o/acme/refusals', 'td.name, .empty'],
  ['/routes', 'td.name'],
  ['/o/acme/explain', 'form'],
  ['/o/acme/explain?token=TOKEN&method=GET&url=/v1/bots/bot_sales', 'td'],
];

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  let tokenId: string;
  beforeAll(async () => {
    console = await openPeopleConsole();
    await console.gateway.admin('PUT', '/teams/crew', { name: 'Crew', members: ['alice', 'bob'] });
    const { body } = await console.gateway.admin('GET', '/tokens?owner=alice');
    tokenId = (body as { items: [{ id: string }] }).items[0].id;
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  it.each(LOOKS.slice(0, 2).map((look) => [look.width, look] as const))(
    'every page stays where it is, %d wide',
    async (_, look) => {
      const page = await console.page(look, console.gateway.adminKey);
      let nth = 0;
      await page.route('**/v1/**', async (route) => {
        await timePasses(LATE_MS * (1 + (nth++ % 3)), 'answers that come one after another are what is tried');
        // The page may have gone.
        await route.continue().catch(() => {});
      });
      const moved: Record<string, readonly string[]> = {};
      for (const [path, shown] of PAGES) {
        const settled = async () => {
          await page.locator(shown).first().waitFor();
          await page.waitForLoadState('networkidle');
        };
        const shifts = await shiftsOf(page, console.gateway.adminUrl + path.replace('TOKEN', tokenId), settled);
        if (shifts.length > 0) moved[path] = shifts;
      }
      expect(moved).toEqual({});
      expect(console.faults.splice(0)).toEqual([]);
      await page.context().close();
    },
    120_000,
  );
});
