/** What an application learns of an allowed request: who is calling, as the identity headers say it. */
import type { Passed } from '../edge/decision-handler.ts';

export interface Caller {
  readonly tokenId: string;
  /** Of the policy's token kinds. */
  readonly kind: string;
  readonly organization: string;
  /** The member; personal tokens only. */
  readonly subject: string | null;
  readonly clientId: string | null;
  /** What the token may do at this moment. */
  readonly scopes: readonly string[];
  /** Ids of the granted workspaces; `*`: all that its owner reaches. */
  readonly workspaces: readonly string[] | '*';
  /** Ids of the environments that it is limited to; null: to none. */
  readonly environments: readonly string[] | null;
  /** Where this request acts, on routes that name a workspace. */
  readonly workspace: string | null;
  readonly environment: string | null;
  readonly role: string | null;
}

/** `request.scopegate` behind the middleware. */
export interface Permission {
  readonly requestId: string;
  /** Of the decision: what the log and the sidecar call it. */
  readonly decisionId: string;
  /** The route of the configuration that allowed it. */
  readonly routeId: string;
  /** null on public routes. */
  readonly caller: Caller | null;
  /** The store could not be asked, and this rests on what was known last (`cache.serveDuringOutageMs`). */
  readonly degraded: boolean;
}

export function permissionOf({ requestId, decisionId, route, allowed, identity, degraded }: Passed): Permission {
  const caller = allowed === null ? null : callerOf(identity);
  return { requestId, decisionId, routeId: route.id, caller, degraded };
}

function callerOf(identity: readonly string[]): Caller {
  const said = (name: string): string | null => {
    const index = identity.findIndex((text, at) => at % 2 === 0 && text === `X-Scopegate-${name}`);
    return index === -1 ? null : identity[index + 1]!;
  };
  const workspaces = said('Workspaces')!;
  return {
    tokenId: said('Token-Id')!,
    kind: said('Kind')!,
    organization: said('Organization')!,
    subject: said('Subject'),
    clientId: said('Client-Id'),
    scopes: said('Scopes')!.split(' ').filter(Boolean),
    workspaces: workspaces === '*' ? '*' : workspaces.split(',').filter(Boolean),
    environments: said('Environments')?.split(',').filter(Boolean) ?? null,
    workspace: said('Workspace'),
    environment: said('Environment'),
    role: said('Role'),
  };
}
