/**
 * Reports of leaked tokens over HTTP, in the form of GitHub's secret scanning partners. Whoever reports has no credential
 * but a key to sign with: who that is is judged before the body is parsed. Never repeats a token, and keeps none.
 */
import { createHash, type KeyObject, verify } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import type { LeakKeys } from '../config/load/leak-keys.ts';
import { isImportedForm, type TokenPattern } from '../core/imported-token.ts';
import { CLIENT_SECRET_PREFIX } from '../core/policy.ts';
import { isWellFormed } from '../core/token-format.ts';
import type { AuthFailureThrottle } from '../edge/throttles/auth-failure-throttle.ts';
import { Bug } from '../errors.ts';
import type { ManageContext } from '../manage/context.ts';
import { Rejection } from '../manage/rejection.ts';
import { type LeakAction, reportLeak } from '../manage/tokens/leaks.ts';
import type { TokenDoc } from '../manage/unit-of-work/records.ts';
import { Type } from '../schema-type.ts';
import { hashToken } from '../secret.ts';
import { Slices } from '../slices.ts';
import { TooManyFailures } from './problem.ts';
import { type Receipts, WAIT_FIELD } from './receipts.ts';
import { LeakVerdictsAnswer } from './response-schemas.ts';
import { type AdminRoute, route, type Shaped, WithHeaders } from './route.ts';
import { LeaksBody } from './schemas.ts';
import type { Visit } from './visit.ts';

export interface LeakParts {
  readonly manage: Omit<ManageContext, 'actor'>;
  /** As configured, asked anew at each call; null: off. */
  readonly leaks: () => { readonly keys: LeakKeys; readonly action: LeakAction } | null;
  /** Of failed signatures. */
  readonly guesses: AuthFailureThrottle;
  /** Forms of tokens that may have been imported. */
  readonly patterns: () => readonly TokenPattern[];
  readonly receipts: Receipts;
  /** A token was reported, and there is one. */
  readonly onLeak: (token: TokenDoc, action: LeakAction) => void;
}

const BODY_BYTES_MAX = 1024 * 1024;
const IDENTIFIER = 'Github-Public-Key-Identifier';
const SIGNATURE = 'Github-Public-Key-Signature';
/** Of one on the curve P-256 there are 72 bytes at most. */
const SIGNATURE_MAX = 200;

type Verdicts = Shaped<typeof LeakVerdictsAnswer>;

export function leakRoute(parts: LeakParts): AdminRoute {
  return route({
    id: 'reportLeaks',
    method: 'POST',
    path: '/v1/leaks',
    tag: 'tokens',
    summary: 'Report tokens that were found in public, as GitHub secret scanning does',
    description: `For whoever holds a key that leaks.keys of gateway.yaml lists, and for nobody else: ${SIGNATURE} is the signature of the body as it is sent (ECDSA on P-256 with SHA-256, DER, base64), ${IDENTIFIER} the key's name. Each token that is known here leaves an event, and is treated as leaks.action says. The headers Scopegate-Revision and, with wait, Scopegate-Applied are the receipt. Of client secrets nothing is said: they cannot be looked up.`,
    anybody: true,
    takesToken: true,
    takesLong: true,
    bodyBytesMax: BODY_BYTES_MAX,
    signed: (headers, visit) => signerOf(parts, headers, visit),
    query: Type.Object({ wait: WAIT_FIELD }, { additionalProperties: false }),
    body: LeaksBody,
    answer: LeakVerdictsAnswer,
    errors: {
      403: ['signature_missing', 'signature_key_unknown', 'signature_invalid'],
      404: ['leaks_off'],
      429: ['too_many_failures'],
    },
    example: {
      body: [{ token: '…', type: 'scopegate_token', url: 'https://github.com/o/r/blob/1/a.env', source: 'commit' }],
      answer: [
        {
          token_hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
          token_type: 'scopegate_token',
          label: 'true_positive',
        },
      ],
    },
    async run({ body, query: { wait }, signedBy }) {
      if (signedBy === null) throw new Bug('a report of leaked tokens came through without a signature');
      const { verdicts, revision } = await judgeAll(parts, body, signedBy);
      if (revision === 0) return verdicts;
      const headers = { 'Scopegate-Revision': String(revision) };
      if (wait === undefined) return new WithHeaders(headers, verdicts);
      const { applied } = await parts.receipts.receipt(revision, Number(wait));
      return new WithHeaders({ ...headers, 'Scopegate-Applied': String(applied) }, verdicts);
    },
  });
}

/** Throws before the body is read for who cannot have signed it; answers with who has, once it is there. */
function signerOf({ leaks, guesses }: LeakParts, headers: IncomingHttpHeaders, visit: Visit) {
  const keys = leaks()?.keys;
  if (keys === undefined) throw off();
  const failed = (code: 'signature_missing' | 'signature_key_unknown' | 'signature_invalid', detail: string) => {
    const retryAfterSeconds = guesses.failed(visit.countedAddress);
    return retryAfterSeconds === null
      ? new Rejection({ kind: 'forbidden', code, detail })
      : new TooManyFailures(retryAfterSeconds);
  };
  const { [IDENTIFIER.toLowerCase()]: name, [SIGNATURE.toLowerCase()]: signature } = headers;
  if (typeof name !== 'string' || typeof signature !== 'string')
    throw failed('signature_missing', `A report is signed: it has the headers ${IDENTIFIER} and ${SIGNATURE}.`);
  const key = keys.get(name);
  if (key === undefined)
    throw failed('signature_key_unknown', `No key of this ${IDENTIFIER} is listed in the file of leaks.keys.`);
  return async (text: string) => {
    if (await isSigned(text, signature, key)) return name;
    throw failed('signature_invalid', `${SIGNATURE} is not this key's signature of the body, byte for byte.`);
  };
}

function off(): Rejection {
  return new Rejection({
    kind: 'not_found',
    code: 'leaks_off',
    detail:
      "This gateway takes no reports of leaked tokens. To take them, say in gateway.yaml whose: leaks: { keys: FILE }, with the reporter's public keys.",
  });
}

const verifyElsewhere = promisify(verify);

/** In a thread: whoever tries it a thousand times is not to hold others up. */
async function isSigned(text: string, signature: string, key: KeyObject): Promise<boolean> {
  if (signature.length > SIGNATURE_MAX) return false;
  return verifyElsewhere('sha256', Buffer.from(text), key, Buffer.from(signature, 'base64'));
}

/** One after the other: what was done stays done when the store is lost, and the same report can come again. */
async function judgeAll(parts: LeakParts, body: Shaped<typeof LeaksBody>, signedBy: string) {
  const { manage, leaks, patterns, onLeak } = parts;
  const policy = manage.policy();
  const action = leaks()?.action ?? 'report';
  const context = { ...manage, policy: () => policy };
  const slices = new Slices();
  const verdicts = new Map<string, Verdicts[number]>();
  let last = 0;
  for (const { token, type, url = '', source = '' } of body) {
    if (slices.over) await slices.next();
    // By its hash alone no client secret can be found, so nothing is known of it.
    if (isWellFormed(token, [CLIENT_SECRET_PREFIX])) continue;
    const mayBe = isWellFormed(token, policy.prefixes) || isImportedForm(token, patterns());
    const leak = { hash: hashToken(token), signedBy, type, url, source };
    const done = mayBe ? await reportLeak(context, leak, action) : null;
    if (done !== null) {
      last = Math.max(last, done.revision);
      onLeak(done.value, action);
    }
    const hash = createHash('sha256').update(token).digest('hex');
    const label = done === null ? 'false_positive' : 'true_positive';
    verdicts.set(`${hash} ${type}`, { token_hash: hash, token_type: type, label });
  }
  return { verdicts: [...verdicts.values()], revision: last };
}
