/** What a route changes on the way, compiled: headers in both directions, the path, CORS. Notes what it may not change. */
import { domainToASCII } from 'node:url';
import type { Cors, OriginWildcard } from '../../core/cors.ts';
import type { CredentialSources } from '../../core/credential.ts';
import { isRouteHeader } from '../../core/field-names.ts';
import { foldHeaderName } from '../../core/folded-name.ts';
import type { AnswerEdits, HeaderEdits } from '../../core/header-edits.ts';
import type { Rewrite } from '../../core/rewrite.ts';
import type { TemplateSegment } from '../../core/route.ts';
import { readTemplate } from '../../core/template.ts';
import type { GatewayFile } from '../schema/gateway-schema.ts';
import type { Path } from '../yaml/yaml-tree.ts';
import type { Notes } from './notes.ts';
import type { RouteSettings, Said } from './route-settings.ts';

type Settings = GatewayFile['defaults'];
type HeadersFile = NonNullable<Settings['headers']>;
type CorsFile = Exclude<NonNullable<Settings['cors']>, 'none'>;

const HEADER_VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

interface NamedHeaders {
  readonly removed: Set<string>;
  /** Raw pairs. */
  readonly set: string[];
}

/** Values may be secrets, so none is told. */
function namedHeaders(notes: Notes, said: Said<HeadersFile> | undefined): NamedHeaders {
  const headers: NamedHeaders = { removed: new Set(), set: [] };
  const check = (name: string, at: Path) => {
    if (!isRouteHeader(name)) notes.problem(at, `${name} is the gateway's to write`, { key: true });
    headers.removed.add(foldHeaderName(name));
  };
  for (const [name, value] of Object.entries(said?.value.set ?? {})) {
    const at = [...said!.at, 'set', name];
    check(name, at);
    if (!HEADER_VALUE.test(value))
      notes.problem(at, 'it holds what no header can: beyond Latin-1, or control characters');
    headers.set.push(name, value);
  }
  for (const [index, name] of (said?.value.remove ?? []).entries()) {
    const at = [...said!.at, 'remove', index];
    if (headers.removed.has(foldHeaderName(name))) notes.problem(at, `${name} already stands here, in some spelling`);
    else check(name, at);
  }
  return headers;
}

/** The upstream never sees the token, wherever it stood. */
export function compileRequestEdits(
  notes: Notes,
  settings: RouteSettings,
  { headers: credentials }: CredentialSources,
  { rewrite, readsAnswer }: { readonly rewrite: Rewrite | null; readonly readsAnswer: boolean },
): HeaderEdits | null {
  const { removed, set } = namedHeaders(notes, settings.get('headers'));
  if (readsAnswer && removed.has('accept-encoding'))
    notes.problem(settings.get('headers')!.at, 'register asks for a plain answer by Accept-Encoding: drop it here');
  if (readsAnswer) removed.add('accept-encoding');
  if (removed.has('authorization') && settings.get('forwardAuthorization')?.value === true)
    notes.problem(
      settings.get('headers')!.at,
      'forwardAuthorization passes on the Authorization of the client: drop one of the two',
    );
  for (const { folded } of credentials) removed.add(folded);
  let lines = readsAnswer ? 'Accept-Encoding: identity\r\n' : '';
  for (let index = 0; index < set.length; index += 2) lines += `${set[index]}: ${set[index + 1]}\r\n`;
  if (rewrite !== null && rewrite.strip !== '') lines += `X-Forwarded-Prefix: ${rewrite.strip}\r\n`;
  return removed.size === 0 && lines === '' ? null : { removed, lines };
}

export function compileAnswerEdits(notes: Notes, settings: RouteSettings): AnswerEdits | null {
  const { removed, set } = namedHeaders(notes, settings.get('answerHeaders'));
  const cors = compileCors(notes, settings.get('cors'));
  return removed.size === 0 && cors === null ? null : { removed, added: set, cors };
}

function compileCors(notes: Notes, said: Said<NonNullable<Settings['cors']>> | undefined): Cors | null {
  if (said === undefined || said.value === 'none') return null;
  const { origins, headers, exposeHeaders, credentials, maxAgeSeconds }: CorsFile = said.value;
  const exact = new Set<string>();
  const wildcards: OriginWildcard[] = [];
  for (const [index, text] of origins.entries()) {
    const at = [...said.at, 'origins', index];
    if (text === '*') {
      if (credentials) notes.problem(at, '"*" and "credentials: true" do not go together: name the origins');
      continue;
    }
    const origin = readOrigin(text);
    if (origin === null) notes.problem(at, `no browser sends the origin ${JSON.stringify(text)}: ${originHint(text)}`);
    else if (typeof origin === 'string') exact.add(origin);
    else wildcards.push(origin);
  }
  return {
    isOpen: origins.includes('*'),
    exact,
    wildcards,
    allowHeaders: headers?.join(', ') ?? null,
    exposeHeaders: exposeHeaders.join(', '),
    credentials,
    maxAgeSeconds: maxAgeSeconds ?? null,
  };
}

/** As browsers write it: scheme, host, and the port where it is not the usual one. */
function readOrigin(text: string): string | OriginWildcard | null {
  const wildcard = /^(https?:\/\/)\*(\..+)$/.exec(text);
  const plain = wildcard === null ? text : `${wildcard[1]}x${wildcard[2]}`;
  if (!/^https?:\/\/[^*]+$/.test(plain) || !URL.canParse(plain) || new URL(plain).origin !== plain) return null;
  return wildcard === null ? text : { scheme: wildcard[1]!, end: wildcard[2]! };
}

function originHint(text: string): string {
  if (text === 'null') return 'it is what every page without one sends, and so nobody’s';
  if (!/^https?:\/\//i.test(text)) return 'it begins with http:// or https://';
  const plain = text.replace('://*.', '://x.');
  if (plain.includes('*') || !URL.canParse(plain)) return '"*." may stand in front of the host, once';
  return /[^\x00-\x7f]/.test(text)
    ? `it sends ${domainToASCII(new URL(plain).hostname)}`
    : `it sends ${new URL(plain).origin.replace('://x.', text.includes('://*.') ? '://*.' : '://x.')}`;
}

/** `segments`: of the route's own path. */
export function compileRewrite(
  notes: Notes,
  said: Said<NonNullable<Settings['rewrite']>> | undefined,
  segments: readonly TemplateSegment[],
): Rewrite | null {
  if (said === undefined) return null;
  const strip = literalsOf(notes, [...said.at, 'strip'], said.value.strip);
  literalsOf(notes, [...said.at, 'add'], said.value.add);
  const isFront = strip.every((text, index) => {
    const segment = segments[index];
    return segment?.kind === 'literal' && segment.text === text;
  });
  if (!isFront) notes.problem([...said.at, 'strip'], "it must be the first segments of the route's path, literally");
  return { strip: said.value.strip ?? '', stripCount: strip.length, add: said.value.add ?? '' };
}

function literalsOf(notes: Notes, at: Path, path: string | undefined): readonly string[] {
  if (path === undefined) return [];
  const template = readTemplate(path);
  if (!template.ok) notes.problem(at, template.problem);
  return template.ok ? template.segments.flatMap((segment) => (segment.kind === 'literal' ? [segment.text] : [])) : [];
}
