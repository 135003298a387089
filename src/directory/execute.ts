/**
 * Carries out a plan call by call and stops at the first that fails: what is done stays done, and a later run goes on
 * from there. Decides nothing.
 */
import { SetupError } from '../errors.ts';
import type { PlannedChange } from './plan.ts';
import { cascadeOf } from './preview.ts';
import { type Call, type Sidecar, type SidecarAnswer, SidecarRefusal } from './sidecar.ts';

export interface ExecutionResult {
  /** In order, each with the cascade that it really had. */
  readonly done: readonly PlannedChange[];
  /** null: everything is done. */
  readonly failure: { readonly change: PlannedChange; readonly error: SidecarRefusal | SetupError } | null;
}

/** `onStep` is told of every change before it is made. */
export async function execute(
  sidecar: Sidecar,
  changes: readonly PlannedChange[],
  onStep: (change: PlannedChange, index: number) => void,
): Promise<ExecutionResult> {
  const done: PlannedChange[] = [];
  for (const [index, change] of changes.entries()) {
    onStep(change, index);
    try {
      let { cascade } = change;
      for (const call of change.calls) cascade = cascadeOf(await send(sidecar, call)) ?? cascade;
      done.push({ ...change, cascade });
    } catch (error) {
      if (error instanceof SidecarRefusal || error instanceof SetupError) return { done, failure: { change, error } };
      throw error;
    }
  }
  return { done, failure: null };
}

async function send(sidecar: Sidecar, call: Call): Promise<SidecarAnswer> {
  try {
    return await sidecar.call(call);
  } catch (error) {
    // Somebody else removed it meanwhile, which is what was wanted.
    if (call.method === 'DELETE' && error instanceof SidecarRefusal && error.status === 404) return {};
    throw error;
  }
}
