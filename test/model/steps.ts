/** What an actor may do, drawn by chance: what, on which of the things that are there, and how. Does nothing itself. */
import fc from 'fast-check';

export const MEMBERS = ['ann', 'bob'] as const;
export const WORKSPACES = ['w1', 'w2'] as const;

type MemberId = (typeof MEMBERS)[number];
type WorkspaceId = (typeof WORKSPACES)[number];

/** Things are named by number; a number beyond the last comes round again. */
export type Step =
  | { do: 'token.create'; owner: MemberId; kind: 'personal' | 'service'; workspaces: WorkspaceId | 'all' }
  | { do: 'token.import'; owner: MemberId; kind: 'personal' | 'service'; workspaces: WorkspaceId | 'all' }
  | { do: 'token.import-again'; token: number }
  | { do: 'token.revoke' | 'token.delete' | 'token.activate' | 'token.deactivate'; token: number }
  | { do: 'token.rotate'; token: number; graceSeconds: number }
  | { do: 'value.revoke'; value: number }
  | { do: 'account.create' }
  | { do: 'account.issue'; account: number; gate: number }
  | { do: 'account.disable' | 'account.delete'; account: number; withTokens: boolean }
  | { do: 'account.enable' | 'account.revoke-tokens' | 'account.rotate-secret'; account: number }
  | { do: 'member.remove' | 'member.renew'; id: MemberId }
  | { do: 'workspace.transfer'; id: WorkspaceId; owner: MemberId }
  | { do: 'workspace.delete' | 'workspace.renew'; id: WorkspaceId }
  | { do: 'team.put'; members: readonly MemberId[] }
  | { do: 'organization.renew' }
  | { do: 'look'; value: number }
  | { do: 'pause'; ms: number };

const nat = fc.nat({ max: 40 });
const member = fc.constantFrom(...MEMBERS);
const workspace = fc.constantFrom(...WORKSPACES);
const made = {
  owner: member,
  kind: fc.constantFrom('personal' as const, 'personal' as const, 'service' as const),
  workspaces: fc.constantFrom<WorkspaceId | 'all'>('w1', 'w2', 'all'),
};

function step<T extends Step['do']>(
  weight: number,
  what: readonly T[],
  more: Record<string, fc.Arbitrary<unknown>> = {},
) {
  return { weight, arbitrary: fc.record({ do: fc.constantFrom(...what), ...more }) as unknown as fc.Arbitrary<Step> };
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  step(10, ['token.create'], made),
  step(3, ['token.import'], made),
  step(2, ['token.import-again'], { token: nat }),
  step(8, ['token.revoke', 'token.delete', 'token.activate', 'token.deactivate'], { token: nat }),
  step(6, ['token.rotate'], { token: nat, graceSeconds: fc.constantFrom(0, 0, 1, 3600) }),
  step(2, ['value.revoke'], { value: nat }),
  step(1, ['account.create']),
  step(14, ['account.issue'], { account: nat, gate: nat }),
  step(6, ['account.disable', 'account.disable', 'account.delete'], { account: nat, withTokens: fc.boolean() }),
  step(6, ['account.enable', 'account.revoke-tokens', 'account.rotate-secret'], { account: nat }),
  step(5, ['member.remove', 'member.renew', 'member.renew'], { id: member }),
  step(4, ['workspace.transfer'], { id: workspace, owner: member }),
  step(4, ['workspace.delete', 'workspace.renew'], { id: workspace }),
  step(2, ['team.put'], { members: fc.subarray([...MEMBERS]) }),
  step(1, ['organization.renew']),
  step(4, ['look'], { value: nat }),
  step(4, ['pause'], { ms: fc.integer({ min: 1, max: 15 }) }),
);

/** Several actors, each doing one thing after the other. */
export const actors: fc.Arbitrary<readonly (readonly Step[])[]> = fc.array(
  fc.array(anyStep, { minLength: 3, maxLength: 9, size: 'max' }),
  { minLength: 3, maxLength: 5, size: 'max' },
);
