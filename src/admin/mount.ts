/**
 * Puts routes on the framework: it validates what comes in and writes what goes out by the schemas of each route. The
 * only place where a route meets HTTP.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ManageContext } from '../manage/context.ts';
import type { ContextOf } from './caller.ts';
import { answerSchema, querySchema, type Receipts, withReceipt } from './receipts.ts';
import { type AdminRoute, Created, OtherAnswer, type Signed, WithHeaders } from './route.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without a credential. */
    open?: boolean;
    /** Answers strangers, too, and knows callers. */
    anybody?: boolean;
    /** Is told a token on purpose, and keeps no text. */
    takesToken?: boolean;
    /** A question, whatever its method. */
    changesNothing?: boolean;
    /** Judges who has signed the body. */
    signed?: Signed;
  }
}

export function mount(
  app: FastifyInstance,
  routes: readonly AdminRoute[],
  contextOf: ContextOf,
  receipts: Receipts,
): void {
  for (const route of routes) {
    const {
      method,
      path,
      params,
      body,
      open = false,
      anybody = false,
      takesToken = false,
      changesNothing = method === 'GET',
      signed,
      bodyBytesMax,
      mediaType,
    } = route;
    app.route({
      method,
      url: path,
      config: { open, anybody, takesToken, changesNothing, ...(signed === undefined ? {} : { signed }) },
      ...(bodyBytesMax === undefined ? {} : { bodyLimit: bodyBytesMax }),
      schema: {
        params,
        // Probes add what they like.
        ...(open ? {} : { querystring: querySchema(route) }),
        ...(body === null ? {} : { body }),
        ...(mediaType === undefined ? { response: { '2xx': answerSchema(route) } } : {}),
      },
      handler: (request, reply) => answer(route, request, reply, contextOf, receipts),
    });
  }
}

async function answer(
  route: AdminRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  contextOf: ContextOf,
  receipts: Receipts,
): Promise<FastifyReply> {
  const { params, query, body } = request;
  if (route.takesLong === true) request.raw.socket.setTimeout(0);
  let context: ManageContext | undefined;
  const call = {
    ...{ params, query, body, visit: request.visit, actor: request.actor ?? null, signedBy: request.signedBy },
    // Who asks a probe is nobody.
    get manage() {
      context ??= contextOf(request);
      return context;
    },
  };
  const answered = await route.run(call);
  if (answered instanceof WithHeaders) reply.headers(answered.headers);
  const made = answered instanceof WithHeaders ? answered.answer : answered;
  if (made instanceof OtherAnswer)
    return reply.code(made.status).header('Content-Type', made.contentType).send(made.value);
  const [status, value] = made instanceof Created ? ([201, made.value] as const) : ([200, made] as const);
  return reply.code(status).send(route.changes ? await withReceipt(receipts, request, value as object) : value);
}
