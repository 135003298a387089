/** The embedded store, as gateway.yaml names it: a file, with the leases of its processes beside it. Loads it only to open it. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Static } from 'typebox';
import { section } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';
import type { StoreAdapter } from '../adapter.ts';
import { describeFullCount } from '../full-count.ts';

const SqliteSettingsSchema = section({
  driver: Type.Literal('sqlite', { description: 'Embedded, for one machine.' }),
  path: Type.String({
    minLength: 1,
    default: 'data/scopegate.db',
    description: 'The database file. Relative to this file.',
  }),
  reserveBytes: Type.Integer({
    minimum: 0,
    maximum: 1_073_741_824,
    default: 8 * 1024 * 1024,
    description:
      'Kept free on its disk by a file beside it (an eighth of the disk at most). On a full disk it is given up for revocations and deletions; nothing new is taken (507 store_full) until it is back. 0: none.',
  }),
});

type SqliteSettings = Static<typeof SqliteSettingsSchema>;

export const sqliteAdapter = {
  schema: SqliteSettingsSchema,
  exactExport: true,
  check: () => undefined,
  open: async (settings, { resolvePath, log }) => {
    const [{ SqliteStore }, { FileRegistry }, { FileQuestionBoard }] = await Promise.all([
      import('./store.ts'),
      import('./registry.ts'),
      import('./question-board.ts'),
    ]);
    const path = resolvePath(settings.path);
    const report = (message: string) => log.error(message);
    const opened = new SqliteStore(path, { bytes: settings.reserveBytes, report });
    return {
      opened,
      registry: new FileRegistry(`${path}-leases`),
      questions: new FileQuestionBoard(`${path}-leases/questions`),
      counters: null,
      describe: (metrics) => describeFullCount(metrics, opened),
      fault: () => opened.fault,
    };
  },
  describe: ({ path }, resolvePath) => resolvePath(path),
  folder: ({ path }, resolvePath) => dirname(resolvePath(path)),
  exists: ({ path }, resolvePath) => existsSync(resolvePath(path)),
  readTimeoutMs: () => null,
  withTimeouts: (settings) => settings,
} satisfies StoreAdapter<SqliteSettings>;
