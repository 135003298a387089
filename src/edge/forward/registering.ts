/** What becomes of the answer of a route that registers or removes resources: see held-answer.ts. Writes nothing itself. */
import { select } from '../../core/selector.ts';
import type { AnswerListener } from '../../upstream/exchange.ts';
import type { PipelineParts } from '../pipeline-parts.ts';
import type { RequestContext } from '../request-context.ts';
import { HeldAnswer } from './held-answer.ts';

/** null: the answer of this request tells of nothing. */
export function holdAnswer(
  { requestId, exchange, reading, allowed }: RequestContext,
  { registrar, inspections, onBug }: PipelineParts,
): ((inner: AnswerListener) => HeldAnswer) | null {
  const route = reading.route!;
  const { registration, requirement } = route;
  if (registration === null || allowed === null) return null;
  const place = { requestId, routeId: route.id };
  const { register, unregister } = registration;
  // The one that was judged, read as it was then.
  const gone = unregister === null ? null : select(requirement!.resource!.selector, reading);
  const settle = (madeId: string | null): Promise<void> | null => {
    const writes: Promise<void>[] = [];
    if (register !== null && madeId !== null) writes.push(registrar.register(allowed, register.type, madeId, place));
    if (register !== null && madeId === null) registrar.unreadable(place);
    if (unregister !== null && gone != null) writes.push(registrar.unregister(allowed, unregister, gone, place));
    return writes.length === 0 ? null : Promise.all(writes).then(() => undefined);
  };
  const broken = (error: unknown) => {
    onBug(error);
    exchange.breakOff();
  };
  const parts = { registration, inspections, settle, isClientGone: () => exchange.isGone, onBug: broken };
  return (inner) => new HeldAnswer(inner, parts);
}
