/** What `--help` says, per command: what it does, then an example that works. */

export const HELP: Readonly<Record<string, string>> = {
  scopegate: `scopegate: a gateway that checks every bearer token before a request reaches your API

  scopegate demo                 a whole gateway with an example API, tokens and curl lines to try
  scopegate check [FILE]         read a configuration and say everything that is wrong with it
  scopegate serve [-c FILE]      run the gateway and its sidecar (token management)
  scopegate apply FILE           load or sync organizations, members, teams and workspaces from a file

  scopegate COMMAND --help       more about one of them
  scopegate --version

FILE defaults to ./gateway.yaml. From a checkout: npm run -s scopegate -- COMMAND`,

  serve: `scopegate serve [-c FILE] [--only gateway|admin]

Runs what FILE (default ./gateway.yaml) describes: the gateway, which checks and forwards requests, and the
sidecar, which manages organizations, members, workspaces and tokens.

  -c, --config FILE    the configuration; relative paths in it are relative to it
  --only gateway       the gateway (and the decision listener) alone
  --only admin         the sidecar alone

SIGTERM or SIGINT drains: no new connections, requests in progress finish (30 s at most). A second one forces.
A changed FILE or policy, SIGHUP and POST /v1/reload put the new configuration in force, or say why they cannot.
SCOPEGATE_ADMIN_KEY sets the sidecar's admin key; without it one is made in the data folder at the first start.`,

  check: `scopegate check [FILE] [--json]

Reads FILE (default ./gateway.yaml) and its policy and prints everything that is wrong, each as
file:line:column: message. Opens no port and no store. Exit code 0: nothing is wrong; 1: something is.

  scopegate check gateway.yaml`,

  apply: `scopegate apply FILE [--dry-run] [--prune] [--json] [--url URL] [--key-file FILE]

Makes the directory of a running sidecar as FILE says: organizations, members, teams, workspaces, environments,
assignments and resources. Prints what differs (+ created, ~ changed, - removed), does it, and says what it did; a
second run finds nothing to change. What FILE leaves out stays as it is. A file with any problem changes nothing.

  --dry-run         print exactly what would be done, and do nothing
  --prune           remove what FILE does not name, within the organizations that it names
  --json            {"created", "changed", "removed", "unchanged", "changes": […]} instead of lines
  --url URL         the sidecar; default http://127.0.0.1:8081
  --key-file FILE   the admin key; default SCOPEGATE_ADMIN_KEY, else ./data/admin-key

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

  demo: `scopegate demo [--json]

Starts an example API, a gateway before it and the sidecar, with an organization, members, workspaces and tokens,
and prints curl lines that show what is allowed and what is refused. Everything is gone when it stops (Ctrl-C).

  --json    print one line when all is up: {"gateway", "admin", "adminKey", "upstream", "tokens": {…}}`,
};
