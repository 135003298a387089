/** The tokens of the demo's organization, and what became of them in the ten weeks before it starts. Data alone. */

/** Each has an environment, by which routes name it. */
export const ENVIRONMENT_OF = {
  ws_sales: 'env_live',
  ws_legal: 'env_legal',
  ws_support: 'env_support',
  ws_research: 'env_research',
} as const;

export type PastWorkspace = keyof typeof ENVIRONMENT_OF;

/** Days before now. */
type DaysAgo = number;

export interface PastToken {
  readonly made: DaysAgo;
  readonly owner: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly in: PastWorkspace;
  readonly description?: string;
  /** Absent: a personal one. */
  readonly kind?: 'service';
  /** null: never. */
  readonly days: number | null;
  /** Absent: never. */
  readonly used?: DaysAgo;
  /** Absent: nothing. `by`: the member who did it. */
  readonly fate?: { readonly act: 'revoke' | 'deactivate' | 'rotate'; readonly at: DaysAgo; readonly by: string };
  /** In use while the demo runs, so many times as often as others. */
  readonly busy?: number;
}

const WORKFLOWS = ['workflows:read', 'workflows:write'];
const BOTS = ['bot:read', 'bot:write'];
const READ = ['workspace:read', 'bot:read', 'chat:read', 'workflows:read', 'knowledge:read'];
const CHAT = ['chat:read', 'chat:write'];
const DOCUMENTS = ['knowledge:read', 'knowledge:write'];

export const PAST_TOKENS: readonly PastToken[] = [
  // For services: they keep what they were granted.
  {
    made: 70,
    owner: 'carlos',
    name: 'CRM synchronisation',
    scopes: WORKFLOWS,
    in: 'ws_sales',
    kind: 'service',
    days: null,
    used: 63,
  },
  {
    made: 69,
    owner: 'alice',
    name: 'website chat',
    scopes: CHAT,
    in: 'ws_sales',
    kind: 'service',
    days: null,
    used: 1,
    busy: 8,
  },
  {
    made: 66,
    owner: 'carlos',
    name: 'data warehouse export',
    scopes: READ,
    in: 'ws_research',
    kind: 'service',
    days: 90,
    used: 1,
    busy: 2,
    description: 'Every night at two, by the data platform. Ask #data before you touch it.',
  },
  {
    made: 61,
    owner: 'mei',
    name: '客服机器人',
    scopes: [...CHAT, 'bot:read'],
    in: 'ws_support',
    kind: 'service',
    days: 180,
    used: 1,
    busy: 5,
    description: '官网客服与微信公众号共用，由客户支持团队维护。',
  },
  {
    made: 60,
    owner: 'alice',
    name: 'old website chat',
    scopes: CHAT,
    in: 'ws_sales',
    kind: 'service',
    days: null,
    used: 44,
    fate: { act: 'revoke', at: 40, by: 'alice' },
  },
  {
    made: 58,
    owner: 'carlos',
    name: 'monitoring probe',
    scopes: ['workspace:read'],
    in: 'ws_sales',
    kind: 'service',
    days: null,
    used: 1,
    busy: 3,
  },
  {
    made: 52,
    owner: 'alice',
    name: 'invoice importer',
    scopes: DOCUMENTS,
    in: 'ws_legal',
    kind: 'service',
    days: 30,
    used: 23,
  },
  {
    made: 45,
    owner: 'mei',
    name: '知识库同步',
    scopes: DOCUMENTS,
    in: 'ws_support',
    kind: 'service',
    days: 90,
    used: 2,
    busy: 2,
  },
  {
    made: 40,
    owner: 'carlos',
    name: 'pilot of the partner portal',
    scopes: READ,
    in: 'ws_sales',
    kind: 'service',
    days: null,
    busy: 1,
    fate: { act: 'deactivate', at: 12, by: 'carlos' },
  },
  {
    made: 33,
    owner: 'alice',
    name: 'contract archive',
    scopes: ['knowledge:read'],
    in: 'ws_legal',
    kind: 'service',
    days: 180,
  },
  {
    made: 28.2,
    owner: 'mei',
    name: '工单摘要',
    scopes: [...WORKFLOWS, 'chat:read'],
    in: 'ws_support',
    kind: 'service',
    days: 30,
    used: 1,
    busy: 2,
  },
  {
    made: 26,
    owner: 'carlos',
    name: 'release pipeline',
    scopes: [...BOTS, ...WORKFLOWS],
    in: 'ws_research',
    kind: 'service',
    days: 30,
    used: 1,
    busy: 2,
    fate: { act: 'rotate', at: 0.1, by: 'carlos' },
  },
  {
    made: 21,
    owner: 'alice',
    name: 'newsletter assistant',
    scopes: [...CHAT, 'knowledge:read'],
    in: 'ws_sales',
    kind: 'service',
    days: 90,
    used: 4,
  },
  {
    made: 9,
    owner: 'carlos',
    name: 'load test, remove afterwards',
    scopes: READ,
    in: 'ws_research',
    kind: 'service',
    days: null,
    used: 8,
  },
  {
    made: 6,
    owner: 'mei',
    name: 'voice assistant for the showroom in Hamburg, second attempt, with the new microphones',
    scopes: CHAT,
    in: 'ws_support',
    kind: 'service',
    days: 90,
    used: 1,
  },
  { made: 2, owner: 'alice', name: 'quarterly figures', scopes: READ, in: 'ws_sales', kind: 'service', days: 30 },
  // Of people: they live 30 days at most, and may do what their owner may.
  { made: 65, owner: 'bob', name: 'first steps', scopes: ['workspace:read'], in: 'ws_sales', days: 7, used: 64 },
  { made: 57, owner: 'grace', name: 'notebook', scopes: READ, in: 'ws_research', days: 30, used: 30 },
  {
    made: 50,
    owner: 'priya',
    name: 'evaluation of answers',
    scopes: [...READ, 'chat:write'],
    in: 'ws_research',
    days: 30,
    used: 22,
  },
  { made: 44, owner: 'xiaomei', name: '本地调试', scopes: WORKFLOWS, in: 'ws_support', days: 7, used: 40 },
  {
    made: 38,
    owner: 'tomas',
    name: 'lost laptop',
    scopes: [...BOTS, 'workflows:read'],
    in: 'ws_sales',
    days: 30,
    used: 31,
    fate: { act: 'revoke', at: 31, by: 'alice' },
  },
  { made: 31, owner: 'jose', name: 'demo for the fair', scopes: CHAT, in: 'ws_sales', days: 7 },
  { made: 29.4, owner: 'grace', name: 'notebook', scopes: READ, in: 'ws_research', days: 30, used: 1, busy: 2 },
  {
    made: 29,
    owner: 'tomas',
    name: 'new laptop',
    scopes: [...BOTS, 'workflows:read'],
    in: 'ws_sales',
    days: 30,
    used: 1,
    busy: 1,
  },
  {
    made: 27,
    owner: 'priya',
    name: 'evaluation of answers',
    scopes: [...READ, 'chat:write'],
    in: 'ws_research',
    days: 30,
    used: 1,
    busy: 2,
  },
  { made: 24, owner: 'xiaomei', name: '值班脚本', scopes: READ, in: 'ws_support', days: 30, used: 1, busy: 1 },
  { made: 23.5, owner: 'wei', name: 'command line', scopes: WORKFLOWS, in: 'ws_support', days: 30, used: 16 },
  {
    made: 20,
    owner: 'maximiliana',
    name: 'spreadsheet',
    scopes: ['knowledge:read'],
    in: 'ws_legal',
    days: 30,
    used: 3,
  },
  { made: 17, owner: 'jose', name: 'terminal', scopes: READ, in: 'ws_sales', days: 30, used: 2, busy: 1 },
  {
    made: 15,
    owner: 'bob',
    name: 'editor plug-in',
    scopes: BOTS,
    in: 'ws_sales',
    days: 30,
    used: 1,
    busy: 1,
    fate: { act: 'rotate', at: 0.4, by: 'bob' },
  },
  {
    made: 12,
    owner: 'grace',
    name: 'red team exercise',
    scopes: CHAT,
    in: 'ws_research',
    days: 30,
    used: 11,
    fate: { act: 'deactivate', at: 10, by: 'grace' },
  },
  {
    made: 11,
    owner: 'amara',
    name: 'continuous integration',
    scopes: WORKFLOWS,
    in: 'ws_sales',
    days: 30,
    used: 1,
    busy: 3,
  },
  { made: 8, owner: 'wei', name: '压测', scopes: ['chat:write'], in: 'ws_support', days: 1, used: 7 },
  { made: 6.8, owner: 'xiaomei', name: '报表导出', scopes: READ, in: 'ws_support', days: 7, used: 1, busy: 1 },
  { made: 6.5, owner: 'maximiliana', name: 'contract review', scopes: DOCUMENTS, in: 'ws_legal', days: 7 },
  {
    made: 5,
    owner: 'amara',
    name: 'pasted into a ticket',
    scopes: READ,
    in: 'ws_sales',
    days: 30,
    used: 5,
    fate: { act: 'revoke', at: 4.9, by: 'mei' },
  },
  { made: 3, owner: 'jose', name: 'phone', scopes: ['chat:read'], in: 'ws_sales', days: 30 },
  {
    made: 2,
    owner: 'priya',
    name: 'prompt experiments',
    scopes: [...BOTS, ...CHAT],
    in: 'ws_research',
    days: 7,
    used: 1,
    busy: 1,
  },
  { made: 1, owner: 'wei', name: '临时排查', scopes: READ, in: 'ws_support', days: 1 },
  { made: 0.2, owner: 'tomas', name: 'trying things out', scopes: ['workspace:read'], in: 'ws_sales', days: 1 },
];
