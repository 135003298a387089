/**
 * `?wait=MS` on every change: its answer comes once all gateway processes have applied the change, or when the time is
 * up, and says how far it got. Added here to every route that answers with a revision. The change itself is made by then
 * and stays made, whatever is met while waiting.
 */
import type { FastifyInstance, RouteOptions } from 'fastify';
import { type TObject, type TSchemaOptions, Type } from 'typebox';
import type { Receipt } from '../fleet/process-list.ts';

export interface Receipts {
  receipt(revision: number, waitMs: number): Promise<Receipt>;
}

const wait = Type.Optional(
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

const CHANGES = new Set(['PUT', 'POST', 'PATCH', 'DELETE']);

/** To be called before the routes are made. */
export function giveReceipts(app: FastifyInstance, receipts: Receipts): void {
  app.addHook('onRoute', (route) => {
    const schemas = schemasOf(route);
    if (schemas === null) return;
    route.schema = {
      ...route.schema,
      querystring: withFields(schemas.querystring, { wait }),
      response: { '2xx': withFields(schemas.answer, RECEIPT_FIELDS) },
    };
  });
  app.addHook('preSerialization', async (request, reply, payload) => {
    const { wait: waitMs } = request.query as { readonly wait?: string };
    const { revision } = (payload ?? {}) as { readonly revision?: unknown };
    // A dry run has changed nothing.
    if (waitMs === undefined || typeof revision !== 'number' || reply.statusCode >= 300) return payload;
    const { socket } = request.raw;
    const silenceMs = socket.timeout ?? 0;
    if (silenceMs > 0) socket.setTimeout(silenceMs + Number(waitMs));
    const receipt = await receipts.receipt(revision, Number(waitMs));
    socket.setTimeout(silenceMs);
    return { ...(payload as object), ...receipt };
  });
}

/** null: the route changes nothing that a gateway process would have to apply. */
function schemasOf({ method, schema }: RouteOptions): { querystring: TObject; answer: TObject } | null {
  const { querystring, response } = (schema ?? {}) as { querystring?: TObject; response?: { '2xx'?: TObject } };
  const answer = response?.['2xx'];
  const isChange = [method].flat().some((each) => CHANGES.has(each));
  if (!isChange || querystring === undefined || answer?.properties?.revision === undefined) return null;
  return { querystring, answer };
}

function withFields(schema: TObject, fields: TObject['properties']): TObject {
  const { properties, required: _, ...options } = schema;
  return Type.Object({ ...properties, ...fields }, options as TSchemaOptions);
}
