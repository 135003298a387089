/**
 * Bodies of calls, before anybody looks at what they ask for: how long they may be, what they are written in, and that
 * no token was pasted into them, and, where a route asks for it, who has signed them. Members and their tokens manage single things, so they get by with far less than the
 * operator. Whatever a body is, others get their turn while it is read.
 */
import { Transform } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PASTED_TOKEN, pastedTokens } from '../core/pasted-token.ts';
import { unacceptable } from '../manage/rejection.ts';
import { Slices } from '../slices.ts';
import { readJson } from './read-json.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Answers with whose signature a body has; null: none is asked for. */
    judgeText: ((text: string) => Promise<string>) | null;
    /** null: no signature was judged. */
    signedBy: string | null;
  }
}

/** A team of two thousand. */
const MEMBER_BODY_MAX = 128 * 1024;

export function readBodies(app: FastifyInstance): void {
  boundBodies(app);
  askForSignatures(app);
  readJsonAlone(app);
  app.addHook('preHandler', async (request) => {
    if (request.is404 || request.routeOptions.config.takesToken === true) return;
    await refusePastedTokens(request.body);
  });
}

/** Who cannot have signed a body is refused before it is read. */
function askForSignatures(app: FastifyInstance): void {
  app.decorateRequest('judgeText', null);
  app.decorateRequest('signedBy', null);
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    try {
      request.judgeText = request.routeOptions.config.signed?.(request.headers, request.visit) ?? null;
      done();
    } catch (error) {
      done(error as Error);
    }
  });
}

/** By the stated length, or while it arrives. */
function boundBodies(app: FastifyInstance): void {
  app.addHook('preParsing', (request, _reply, payload, done) => {
    if (request.actor === undefined || request.actor.kind === 'operator') return done(null, payload);
    if (Number(request.headers['content-length'] ?? 0) > MEMBER_BODY_MAX) return done(tooLarge());
    if (request.headers['content-length'] !== undefined) return done(null, payload);
    let bytes = 0;
    const counting = new Transform({
      transform(chunk: Buffer, _encoding, passed) {
        bytes += chunk.length;
        if (bytes > MEMBER_BODY_MAX) passed(tooLarge());
        else passed(null, chunk);
      },
    });
    payload.on('error', (error) => counting.destroy(error));
    done(null, payload.pipe(counting));
  });
}

function tooLarge(): Error {
  const message = `The body of a member or a token may hold ${MEMBER_BODY_MAX} bytes at most.`;
  return Object.assign(new Error(message), { statusCode: 413, code: 'FST_ERR_CTP_BODY_TOO_LARGE' });
}

/** JSON alone, and signed where it has to be. An empty body under a JSON content type is no body. */
function readJsonAlone(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'string' },
    async (request: FastifyRequest, body: string) => {
      // Before anybody spends time on it. Text that was not UTF-8 is not what was signed.
      if (request.judgeText !== null) request.signedBy = await request.judgeText(body);
      if (body === '') return undefined;
      const value = await readJson(body);
      // What validation takes is a turn's work of its own.
      await new Slices().next();
      return value;
    },
  );
}

/**
 * Part by part, in slices. In its own turn: a body that was parsed and validated has had its share of this one.
 */
async function refusePastedTokens(body: unknown): Promise<void> {
  const slices = new Slices();
  for (const [field, value] of Object.entries(body ?? {})) {
    for (const [index, item] of Array.isArray(value) ? value.entries() : [[null, value] as const]) {
      if (slices.over) await slices.next();
      const [pasted] = pastedTokens({ [field]: item });
      if (pasted === undefined) continue;
      const [, ...rest] = pasted.path;
      const place = [field, ...(index === null ? [] : [index]), ...rest].join('.');
      throw unacceptable('token_pasted', place, `${place} ${PASTED_TOKEN}.`);
    }
  }
}
