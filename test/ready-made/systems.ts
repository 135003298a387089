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
  {
    name: 'featbit',
    roles: ['owner', 'developer'],
    joinerMay: (scope) => /^(?:flags|segments):|^projects:read$/.test(scope),
    token: {},
    defaults: { credentials: ['bearer', 'raw'] },
    send: (token) => token,
  },
  {
    name: 'impact',
    roles: ['admin', 'admin'],
    joinerMay: () => true,
    token: { contacts: { primary: 'ann' } },
    defaults: { credentials: ['bearer', 'basic'] },
    send: (token) => `Basic ${Buffer.from(`IRq8mWJybvoQ:${token}`).toString('base64')}`,
  },
  {
    name: 'scrydon',
    roles: ['admin', 'member'],
    joinerMay: () => true,
    token: { expiresInDays: 30 },
    send: (token) => `Bearer ${token}`,
  },
];
