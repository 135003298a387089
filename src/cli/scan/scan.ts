/**
 * `scopegate scan`: finds tokens in files by their form and checksum, then asks the sidecar whose they are, with their hashes
 * alone. Never prints a token. Exit code 2: one was found.
 */
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { loadGateway } from '../../config/load/load-gateway.ts';
import { tokensIn } from '../../core/token-format.ts';
import { SidecarRefusal } from '../../directory/sidecar.ts';
import { SetupError } from '../../errors.ts';
import type { AdminClient } from '../admin-client.ts';
import type { Invocation } from '../command.ts';
import { type ActingValues, note, printJson, Session } from '../session.ts';
import { bad, type Column, table, widthOf } from '../terminal.ts';
import type { FoundPlace, FoundToken } from './found-token.ts';
import { patternFile, type SCANNERS } from './patterns.ts';
import { scanSarif } from './scan-sarif.ts';
import { type TextFile, textFiles } from './text-files.ts';

interface ScanValues extends ActingValues {
  readonly 'no-ignore': boolean;
  readonly offline: boolean;
  readonly patterns: string | undefined;
  readonly json: boolean;
  readonly format: string;
  readonly 'exit-zero': boolean;
}

export async function scanCommand({ values, args, env }: Invocation<ScanValues>): Promise<void> {
  if (values.patterns !== undefined) {
    const { policy } = loadGateway(values.config ?? 'gateway.yaml', env);
    process.stdout.write(patternFile(values.patterns as (typeof SCANNERS)[number], policy.prefixes));
    return;
  }
  const [path] = args;
  if (path === undefined) throw new SetupError('scan what? A file, a folder, or - for standard input');
  const files = path === '-' ? await standardInput() : textFiles(path, values['no-ignore'], note);
  const places = [...files].flatMap((file) => [...placesIn(file)]);
  // Nobody is asked where nothing was found.
  const client = values.offline || places.length === 0 ? null : (await Session.open(values, env)).client;
  const findings = await whose(places, client);
  const format = values.json ? 'json' : values.format;
  if (format === 'json') printJson({ findings });
  else if (format === 'sarif') process.stdout.write(scanSarif(findings));
  else process.stdout.write(table(columns(values.offline), findings, widthOf(process.stdout)));
  note(findings.length === 0 ? 'no token found' : `${findings.length} found${revokeText(findings)}`);
  if (findings.length > 0 && !values['exit-zero']) process.exitCode = 2;
}

async function standardInput(): Promise<readonly TextFile[]> {
  return [{ path: '-', bytes: (await buffer(process.stdin)).toString('latin1') }];
}

function* placesIn({ path, bytes }: TextFile): Generator<FoundPlace> {
  let [line, lineStart, from] = [1, 0, 0];
  for (const { index, token } of tokensIn(bytes)) {
    for (let at = bytes.indexOf('\n', from); at !== -1 && at < index; at = bytes.indexOf('\n', at + 1)) {
      line++;
      lineStart = at + 1;
    }
    from = index;
    const before = Buffer.from(bytes.slice(lineStart, index), 'latin1').toString();
    const sha256 = createHash('sha256').update(token).digest('hex');
    yield { file: path, line, column: before.length + 1, sha256 };
  }
}

/** Each hash is asked about once. `client`: null: nobody is asked. */
async function whose(places: readonly FoundPlace[], client: AdminClient | null): Promise<readonly FoundToken[]> {
  const known = new Map<string, FoundToken['token']>();
  for (const { sha256 } of places)
    if (client !== null && !known.has(sha256)) known.set(sha256, await tokenOf(client, sha256));
  return places.map((place) => ({ ...place, token: known.get(place.sha256) ?? null }));
}

async function tokenOf(client: AdminClient, sha256: string): Promise<FoundToken['token']> {
  try {
    const found = await client.send({ method: 'POST', path: '/v1/tokens/find', body: { sha256 } });
    const { id, organizationId, ownerId, name, state } = found as unknown as NonNullable<FoundToken['token']>;
    return { id, organizationId, ownerId, name, state };
  } catch (error) {
    if (error instanceof SidecarRefusal && error.status === 404) return null;
    throw error;
  }
}

function revokeText(findings: readonly FoundToken[]): string {
  const live = new Map<string, NonNullable<FoundToken['token']>>();
  for (const { token } of findings) if (token?.state === 'active') live.set(token.id, token);
  const commands = Array.from(
    live.values(),
    ({ id, organizationId }) => `\n  scopegate token revoke ${id} --organization ${organizationId}`,
  );
  return commands.length === 0 ? '' : `. To end those that work:${commands.join('')}`;
}

function columns(isOffline: boolean): ReadonlyArray<Column<FoundToken>> {
  return [
    { title: 'PLACE', text: ({ file, line, column }) => `${file}:${line}:${column}`, whole: true },
    { title: 'TOKEN', text: ({ token }) => token?.id ?? (isOffline ? 'not asked' : 'not known here'), whole: true },
    { title: 'NAME', text: ({ token }) => token?.name ?? '-' },
    { title: 'OWNER', text: ({ token }) => token?.ownerId ?? '-' },
    {
      title: 'STATE',
      text: ({ token }) => token?.state ?? '-',
      style: (text, { token }) => (token?.state === 'active' ? bad(text) : text),
    },
  ];
}
