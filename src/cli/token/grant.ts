/** What the options of `token create` and `token edit` say of a token, as the sidecar takes it. */
import { DAY_MS } from '../../core/policy.ts';
import { SetupError } from '../../errors.ts';
import { endOf } from '../time-words.ts';

export interface GrantValues {
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly scope: readonly string[];
  readonly workspace: readonly string[];
  readonly workspaces: string | undefined;
  readonly environment: readonly string[];
  readonly environments: string | undefined;
  readonly expires: string | undefined;
  readonly 'allow-from': readonly string[];
}

export type GrantBody = Record<string, unknown>;

/** Only what was given. Throws SetupError. */
export function grantBody(values: GrantValues): GrantBody {
  const { name, description, scope, workspace, workspaces, environment, environments } = values;
  if (workspaces !== undefined && workspace.length > 0)
    throw new SetupError('workspaces are listed by --workspace, or all meant by --workspaces, not both');
  if (environments !== undefined && environment.length > 0)
    throw new SetupError('environments are listed by --environment, or all meant by --environments all, not both');
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(scope.length === 0 ? {} : { scopes: scope }),
    ...(workspace.length === 0 ? {} : { workspaces: workspace }),
    ...(workspaces === undefined ? {} : { workspaces }),
    ...(environment.length === 0 ? {} : { environments: environment }),
    ...(environments === undefined ? {} : { environments: null }),
    ...(values['allow-from'].length === 0 ? {} : { allowedAddresses: values['allow-from'] }),
  };
}

/** Of a new token. The sidecar counts from its own clock. */
export function expiryOfNew({ expires }: GrantValues): GrantBody {
  if (expires === undefined) return {};
  const end = endOf(expires, '--expires');
  if (end === 'never') return { neverExpires: true };
  return 'at' in end ? { expiresAt: end.at } : { expiresInDays: end.afterMs / DAY_MS };
}

/** Of one that there is. */
export function changedExpiry({ expires }: GrantValues, nowMs: number): GrantBody {
  if (expires === undefined) return {};
  const end = endOf(expires, '--expires');
  if (end === 'never') return { expiresAt: null };
  return { expiresAt: 'at' in end ? end.at : new Date(nowMs + end.afterMs).toISOString() };
}
