/** The systems that have a file of routes in policies/, with what the tests have to know of each. */
import type { SystemUnderTest } from './shipped-routes.ts';

export const SYSTEMS: readonly SystemUnderTest[] = [
  {
    name: 'coze',
    roles: ['super_admin', 'member'],
    joinerMay: () => true,
    token: { expiresInDays: 30 },
    send: (token) => `Bearer ${token}`,
  },
];
