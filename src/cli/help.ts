/** What `--help` says, per command: what it does, then an example that works. */

export const HELP: Readonly<Record<string, string>> = {
  scopegate: `scopegate: a gateway that checks every bearer token before a request reaches your API

  scopegate demo                 a whole gateway with an example API, tokens and curl lines to try
  scopegate check [FILE]         read a configuration and say everything that is wrong with it
  scopegate serve [-c FILE]      run the gateway and its sidecar (token management)
  scopegate apply FILE           load or sync organizations, members, teams and workspaces from a file
  scopegate import FILE          take in the tokens of another system by their SHA-256, so that nobody needs a new one
  scopegate migrate-store        carry all records over into another store, SQLite to Redis or back

  scopegate COMMAND --help       more about one of them
  scopegate --version

FILE defaults to ./gateway.yaml. From a checkout: bin/scopegate COMMAND, in any folder`,

  serve: `scopegate serve [-c FILE] [--only gateway|admin]

Runs what FILE (default ./gateway.yaml) describes: the gateway, which checks and forwards requests, and the
sidecar, which manages organizations, members, workspaces and tokens.

  -c, --config FILE    the configuration; relative paths in it are relative to it
  --only gateway       the gateway (and the decision listener) alone
  --only admin         the sidecar alone

With gateway.workers above 1 the gateway is that many processes and the sidecar one more, started and replaced by this one.
SIGTERM or SIGINT drains: no new connections, requests in progress finish (30 s at most). A second one forces.
A changed FILE or policy, SIGHUP and POST /v1/reload put the new configuration in force, or say why they cannot.
SCOPEGATE_ADMIN_KEY sets the sidecar's admin key; without it one is made in the data folder at the first start.`,

  check: `scopegate check [FILE] [--json]

Reads FILE (default ./gateway.yaml) and its policy and prints everything that is wrong, each as
file:line:column: message. Opens no port and no store. Exit code 0: nothing is wrong; 1: something is.

  scopegate check gateway.yaml`,

  apply: `scopegate apply FILE [-c FILE | --url URL] [--dry-run] [--prune] [--json] [--key-file FILE]

Makes the directory of a running sidecar as FILE says: organizations, members, teams, workspaces, environments,
assignments and resources. Prints what differs (+ created, ~ changed, - removed), does it, and says what it did; a
second run finds nothing to change. What FILE leaves out stays as it is. A file with any problem changes nothing.

  --dry-run         print exactly what would be done, and do nothing
  --prune           remove what FILE does not name, within the organizations that it names
  --json            {"created", "changed", "removed", "unchanged", "changes": […]} instead of lines
  -c, --config FILE the configuration of the gateway to change; default ./gateway.yaml
  --url URL         the address of its sidecar instead, such as http://127.0.0.1:8081
  --key-file FILE   the admin key; default SCOPEGATE_ADMIN_KEY, else the one that serve made

Another owner of a workspace is a transfer and may end tokens; so may a removed member. Both are shown beforehand.
When a call fails, what is done stays done, and running it again goes on from there.

  # directory.yaml, checked by editors with schemas/directory.schema.json
  organizations:
    acme:
      name: Acme
      edition: team
      members: { alice: { name: Alice, role: admin } }
      workspaces: { ws_sales: { name: Sales, owner: alice } }

  scopegate apply directory.yaml --dry-run`,

  import: `scopegate import FILE [-c FILE | --url URL] [--organization ORG] [--dry-run] [--json] [--key-file FILE]

Takes tokens of another system into a running sidecar, by the SHA-256 of their text: they go on working, with the scopes,
workspaces and expiry given here, until they are revoked. FILE holds JSON lines, or CSV with a header where it is named
.csv. The policy's rules hold as for a new token. A file with a mistake of form changes nothing; a token that is refused
is named with its line, and the others are taken. Running it again skips what is here already.

  --organization ORG  for rows that name no organization
  --dry-run           say what would be taken and refused, and do nothing (limits count within 100 rows only)
  --json              {"imported", "existing", "refused", "differing", "problems": […]} instead of lines
  -c, --config FILE   the configuration of the gateway to change; default ./gateway.yaml
  --url URL           the address of its sidecar instead, such as http://127.0.0.1:8081
  --key-file FILE     the admin key; default SCOPEGATE_ADMIN_KEY, else the one that serve made

First say in gateway.yaml which form the tokens have, or no gateway will look one up:

  import: { patterns: [{ prefix: "key-", minLength: 40, maxLength: 40 }] }

The hash of one token, without a line's end, and a row for it:

  printf %s "$TOKEN" | sha256sum
  {"sha256": "9f86…", "hint": "key-a1b2", "name": "CI", "owner": "alice", "scopes": ["bot:read"],
   "workspaces": ["ws_sales"], "expiresAt": "2030-01-31T00:00:00Z", "createdAt": "2026-05-04T08:00:00Z"}

Further fields: organization, kind, description, expiresInDays, neverExpires (true), apiVersion. A row is one line.
In CSV lists are written with spaces, and an empty cell is nothing:

  sha256,name,owner,scopes,workspaces,expiresAt
  9f86…,CI,alice,bot:read chat:read,ws_sales,2030-01-31T00:00:00Z`,

  'migrate-store': `scopegate migrate-store --from FILE --to FILE [--json]

Carries everything that the store of one configuration holds over into that of another: SQLite to Redis, or back. Then
compares all of it both ways. The source stays as it is. The target must be empty, or what an earlier run left.

  --from FILE    a gateway.yaml whose store section names the source
  --to FILE      the same with the new store
  --json         {"source", "target", "records", "entries", "copied", "removed"} instead of lines

Stop every scopegate on both stores first: one that goes on changing the source makes the command refuse at its end
(run it again then; only what differs is copied). It may be killed at any moment and run again.

  systemctl stop scopegate
  scopegate migrate-store --from gateway.yaml --to gateway-redis.yaml
  mv gateway-redis.yaml gateway.yaml && systemctl start scopegate`,

  demo: `scopegate demo [--json]

Starts an example API, a gateway before it and the sidecar, with an organization, members, workspaces and tokens,
and prints curl lines that show what is allowed and what is refused. Everything is gone when it stops (Ctrl-C).

  --json    print one line when all is up: {"gateway", "admin", "adminKey", "upstream", "tokens": {…}}`,
};
