/** What the demo prints: curl lines that work as they stand, each with the answer to expect. */
import type { Seeded } from './seed.ts';

export interface TourStops extends Seeded {
  /** Works once. */
  readonly console: string;
  readonly gateway: string;
  readonly admin: string;
  readonly adminKey: string;
  readonly upstream: string;
}

export function tour({
  console,
  gateway,
  admin,
  adminKey,
  upstream,
  tokens,
  leakedId,
  organization,
}: TourStops): string {
  const as = (token: string) => `-H "Authorization: Bearer $${token}"`;
  const workflows = `"${gateway}/api/v1/workflows?environmentId=env_live"`;
  return `
scopegate demo is up. Everything is gone when you press Ctrl-C.

Open the console by this link; it signs you in once, within 15 minutes:

  ${console}

  gateway   ${gateway}    your clients talk to this
  sidecar   ${admin}    you manage tokens here (API: ${admin}/openapi.json)
  upstream  ${upstream}    the example API behind the gateway

Paste this into another terminal first:

  OWNER=${tokens.owner}
  READER=${tokens.reader}
  WRITER=${tokens.writer}
  SERVICE=${tokens.service}
  LEAKED=${tokens.leaked}
  ADMIN=${adminKey}

Each line below says what it answers.

200  Bob's token may read workflows in the Sales workspace; see what the upstream is told about him
  curl -i ${as('READER')} ${workflows}

200  a chat that streams
  curl -i -N ${as('SERVICE')} -H 'Content-Type: application/json' -d '{"bot_id":"bot_sales","stream":true}' ${gateway}/v3/chat

401, 401  no token, then one that nobody issued: code 4100
  curl -i ${workflows}
  curl -i -H 'Authorization: Bearer pat_0000' ${workflows}

403  the scope is missing: code 4101, and X-Accepted-Scopes names it
  curl -i -X POST ${as('READER')} "${gateway}/api/v1/workflows/wf_greet/runs?environmentId=env_live"

403  the scope is there, but deleting takes the role admin in the workspace: code 4101
  curl -i -X DELETE ${as('WRITER')} "${gateway}/api/v1/workflows/wf_greet?environmentId=env_live"

403  a workspace that the token was not granted: code 4101
  curl -i ${as('OWNER')} "${gateway}/api/v1/workflows?environmentId=env_legal"

403, 200  a bot is changed by its owner and collaborators only: code 4101 for Bob, not for Alice
  curl -i -X PUT ${as('WRITER')} -d '{"name":"mine now"}' ${gateway}/v1/bots/bot_sales
  curl -i -X PUT ${as('OWNER')} -d '{"name":"Sales bot"}' ${gateway}/v1/bots/bot_sales

404  no route: nothing is forwarded
  curl -i ${as('OWNER')} ${gateway}/internal/metrics

200, 200, 401  a revocation at work: allowed, revoked, refused from the very next request on
  curl -i ${as('LEAKED')} ${workflows}
  curl -i -X POST -H "Authorization: Bearer $ADMIN" ${admin}/v1/organizations/${organization}/tokens/${leakedId}/revoke
  curl -i ${as('LEAKED')} ${workflows}
`;
}
