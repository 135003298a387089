/**
 * `?wait=MS` on every change: its answer comes once all gateway processes have applied the change, or when the time is
 * up, and says how far it got. Every route takes it that changes something and answers with a revision. The change itself is made by then
 * and stays made, whatever is met while waiting.
 */
import type { FastifyRequest } from 'fastify';
import type { TObject, TSchema, TSchemaOptions } from 'typebox';
import type { Receipt } from '../fleet/process-list.ts';
import { Type } from '../schema-type.ts';
import type { AdminRoute } from './route.ts';

export interface Receipts {
  receipt(revision: number, waitMs: number): Promise<Receipt>;
}

export const WAIT_FIELD = Type.Optional(
  Type.String({
    pattern: '^([0-9]{1,4}|[1-5][0-9]{4}|60000)$',
    description: 'milliseconds to wait for every gateway process to apply the change, a whole number from 0 to 60000',
  }),
);

export const RECEIPT_FIELDS = {
  applied: Type.Optional(
    Type.Boolean({
      description:
        'with wait: by every gateway process that holds a lease; one that is cut off from the store holds none, and with cache.serveDuringOutageMs may still serve what it knew',
    }),
  ),
  processes: Type.Optional(
    Type.Union([Type.Integer(), Type.Null()], { description: 'how many those are; null: nobody could be asked' }),
  ),
  laggards: Type.Optional(
    Type.Array(Type.String(), { description: 'ids of those that have not said yet that they have applied it' }),
  ),
  lagMs: Type.Optional(Type.Integer({ description: 'until it was applied everywhere, or until now' })),
};

/** What a route takes in its query. */
export function querySchema({ query, changes }: AdminRoute): TObject {
  return changes ? withFields(query, { wait: WAIT_FIELD }) : query;
}

/** What a route answers. */
export function answerSchema({ answer, changes }: AdminRoute): TSchema {
  return changes ? withFields(answer as TObject, RECEIPT_FIELDS) : answer;
}

function withFields(schema: TObject, fields: TObject['properties']): TObject {
  const { properties, required: _, ...options } = schema;
  return Type.Object({ ...properties, ...fields }, options as TSchemaOptions);
}

/** The answer to a change, with its receipt where one was asked for: once every gateway has applied it, or time is up. */
export async function withReceipt(receipts: Receipts, request: FastifyRequest, answer: object): Promise<object> {
  const { wait: waitMs } = request.query as { readonly wait?: string };
  const { revision } = answer as { readonly revision?: number };
  // A dry run has changed nothing.
  if (waitMs === undefined || revision === undefined) return answer;
  const { socket } = request.raw;
  const silenceMs = socket.timeout ?? 0;
  if (silenceMs > 0) socket.setTimeout(silenceMs + Number(waitMs));
  const receipt = await receipts.receipt(revision, Number(waitMs));
  socket.setTimeout(silenceMs);
  return { ...answer, ...receipt };
}
