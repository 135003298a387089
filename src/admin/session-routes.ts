/**
 * Signing in to the console and out of it: a credential for a cookie. Only over a network on which nobody listens, and only
 * from a page of the sidecar's own. Failures are counted per source address, and only further failures are turned away.
 */
import type { AuthFailureThrottle } from '../edge/throttles/auth-failure-throttle.ts';
import { type Actor, kindsFor, maySeeTokenOf, requireProcessOperator, rightsIn } from '../manage/actor.ts';
import { type ManageContext, reader } from '../manage/context.ts';
import { Rejection } from '../manage/rejection.ts';
import { Type } from '../schema-type.ts';
import { type CallerParts, notSameOrigin, ofCredential } from './caller.ts';
import { problemOf, TooManyFailures } from './problem.ts';
import { type AdminRoute, Created, OtherAnswer, route, type Shaped, WithHeaders } from './route.ts';
import { sessionCookie } from './session-cookie.ts';
import type { OpenSession, Sessions } from './sessions.ts';
import type { Visit } from './visit.ts';

const SignInBody = Type.Object(
  {
    credential: Type.String({
      minLength: 1,
      maxLength: 4096,
      description: 'the admin key, a managing token, or the code of a sign-in link',
    }),
  },
  { additionalProperties: false, title: 'SignInInput' },
);

const CallerShape = Type.Object(
  {
    kind: Type.Enum(['operator', 'member'], { description: 'operator: by the admin key, and may do everything' }),
    organization: Type.Union([Type.String(), Type.Null()], {
      description: 'the only one they may look into; null: any',
    }),
    member: Type.Union([
      Type.Object({ id: Type.String(), name: Type.String(), role: Type.String() }, { title: 'CallingMember' }),
      Type.Null(),
    ]),
    token: Type.Union([Type.Object({ id: Type.String(), name: Type.String() }), Type.Null()], {
      description: 'a member calls by it, and may do what it may; the session ends with it',
    }),
    seesAllTokens: Type.Boolean({ description: "false: one's own alone" }),
    kinds: Type.Array(Type.String(), { description: 'of tokens that may be made' }),
  },
  { title: 'Caller' },
);

const SessionAnswer = Type.Object(
  {
    caller: Type.Union([CallerShape, Type.Null()]),
    session: Type.Union([Type.Object({ idleUntil: Type.String(), endsAt: Type.String() }), Type.Null()], {
      description: 'null: the call came with a credential of its own, or with none',
    }),
    signIn: Type.Enum(['possible', 'not_private'], {
      description: 'not_private: over plain HTTP from another machine, where anybody could read the credential',
    }),
  },
  { title: 'Session' },
);

const LinkAnswer = Type.Object(
  { path: Type.String({ description: 'below the address of the sidecar; works once' }), endsAt: Type.String() },
  { title: 'SignInLink' },
);

const EXAMPLE: Shaped<typeof SessionAnswer> = {
  caller: {
    kind: 'member',
    organization: 'acme',
    member: { id: 'ann', name: 'Ann', role: 'member' },
    token: { id: 'tok_1', name: 'console' },
    seesAllTokens: false,
    kinds: ['personal'],
  },
  session: { idleUntil: '2030-01-01T09:30:00.000Z', endsAt: '2030-01-01T21:00:00.000Z' },
  signIn: 'possible',
};

export interface SessionParts extends CallerParts {
  readonly guesses: AuthFailureThrottle;
}

/** Where the page reads the code: behind the #, so that no server and no log is told it. */
const LINK_PATH = '/#sign-in=';

export function sessionRoutes(parts: SessionParts): readonly AdminRoute[] {
  const { sessions } = parts;
  const about = { path: '/v1/session', tag: 'sessions', anybody: true, answer: SessionAnswer } as const;
  return [
    signInRoute(parts),
    route({
      ...about,
      id: 'getSession',
      method: 'GET',
      summary: 'Read who is calling, and until when their session lasts',
      description: 'Answers strangers, too: with caller null.',
      example: { answer: EXAMPLE },
      async run({ actor, visit }) {
        const session = actor === null || visit.sessionId === null ? null : sessions.find(visit.sessionId);
        return { ...(await sessionView(parts.manage, actor, session)), signIn: signInFrom(visit) };
      },
    }),
    route({
      ...about,
      id: 'endSession',
      method: 'DELETE',
      summary: 'Sign out of the console',
      example: { answer: { caller: null, session: null, signIn: 'possible' } },
      run({ visit }) {
        if (!visit.isSameOrigin) throw notSameOrigin();
        if (visit.sessionId !== null) sessions.close(visit.sessionId);
        const gone = { caller: null, session: null, signIn: signInFrom(visit) };
        return new WithHeaders({ 'Set-Cookie': sessionCookie(null, visit) }, gone);
      },
    }),
    linkRoute(sessions),
  ];
}

function signInRoute(parts: SessionParts): AdminRoute {
  const { manage, sessions, guesses } = parts;
  return route({
    id: 'signIn',
    method: 'POST',
    path: '/v1/session',
    tag: 'sessions',
    summary: 'Sign in to the console, from a page of its own',
    description:
      'Sets a cookie that no script can read: 30 minutes without a call, 12 hours in all, and never longer than the token it came from. A member may do with it what the token may.',
    anybody: true,
    takesToken: true,
    bodyBytesMax: 8192,
    body: SignInBody,
    answer: SessionAnswer,
    errors: { 401: ['credential_unknown'], 403: ['sign_in_not_private'], 429: ['too_many_failures'] },
    example: { body: { credential: '…' }, answer: EXAMPLE },
    async run({ visit, body: { credential } }) {
      if (!visit.isPrivate) throw notPrivate();
      if (!visit.isSameOrigin) throw notSameOrigin();
      const byLink = sessions.takeLink(credential);
      const actor: Actor | null = byLink ? { kind: 'operator' } : await ofCredential(parts, credential, visit);
      if (actor === null) return failed(guesses.failed(visit.countedAddress));
      if (visit.sessionId !== null) sessions.close(visit.sessionId);
      const { id, session } = sessions.open(actor.kind === 'token' ? actor.hash : null);
      const view = { ...(await sessionView(manage, actor, session)), signIn: signInFrom(visit) };
      return new WithHeaders({ 'Set-Cookie': sessionCookie(id, visit) }, new Created(view));
    },
  });
}

function linkRoute(sessions: Sessions): AdminRoute {
  return route({
    id: 'createSignInLink',
    method: 'POST',
    path: '/v1/session-links',
    tag: 'sessions',
    summary: 'Make a link that signs in to the console once',
    description: 'As the operator, within 15 minutes. For the admin key alone, without an actor.',
    answer: LinkAnswer,
    errors: { 403: ['forbidden'] },
    example: { answer: { path: `${LINK_PATH}once_…`, endsAt: '2030-01-01T09:15:00.000Z' } },
    run({ manage }) {
      requireProcessOperator(manage.actor);
      const { code, endsAtMs } = sessions.newLink();
      return new Created({ path: LINK_PATH + code, endsAt: new Date(endsAtMs).toISOString() });
    },
  });
}

function signInFrom({ isPrivate }: Visit): 'possible' | 'not_private' {
  return isPrivate ? 'possible' : 'not_private';
}

function notPrivate(): Rejection {
  return new Rejection({
    kind: 'forbidden',
    code: 'sign_in_not_private',
    detail:
      'Over plain HTTP the console is signed in to from the machine of the sidecar alone: use an SSH tunnel, give the sidecar a certificate (admin.tls), or put a proxy with HTTPS before it and name that in admin.trustedProxies.',
  });
}

function failed(retryAfterSeconds: number | null): OtherAnswer {
  if (retryAfterSeconds !== null) throw new TooManyFailures(retryAfterSeconds);
  const unknown =
    'This is neither the admin key, nor a personal token with the scope tokens:manage that may be used, nor a sign-in link that is still good.';
  return new OtherAnswer(401, problemOf(401, 'credential_unknown', unknown), 'application/problem+json');
}

async function sessionView(manage: Omit<ManageContext, 'actor'>, actor: Actor | null, session: OpenSession | null) {
  const instant = (ms: number) => new Date(ms).toISOString();
  return {
    caller: actor === null ? null : await callerView({ ...manage, actor }),
    session: session === null ? null : { idleUntil: instant(session.idleUntilMs), endsAt: instant(session.endsAtMs) },
  };
}

async function callerView({
  store,
  policy: inForce,
  nowMs,
  actor,
}: ManageContext): Promise<Shaped<typeof CallerShape>> {
  const policy = inForce();
  if (actor.kind === 'member') {
    const member = { id: actor.id, name: actor.id, role: '' };
    return { kind: 'member', organization: null, member, token: null, seesAllTokens: false, kinds: [] };
  }
  if (actor.kind === 'operator') {
    const kinds = kindsFor({ actor, member: null, administrator: true, actions: new Set() }, policy);
    return { kind: 'operator', organization: null, member: null, token: null, seesAllTokens: true, kinds };
  }
  const { organizationId, id, name } = actor.token;
  const rights = await rightsIn(reader(store), actor, policy, organizationId, nowMs());
  const { member } = rights;
  return {
    kind: 'member',
    organization: organizationId,
    member: member === null ? null : { id: member.id, name: member.name, role: member.role },
    token: { id, name },
    seesAllTokens: maySeeTokenOf(rights, policy, null),
    kinds: kindsFor(rights, policy),
  };
}
