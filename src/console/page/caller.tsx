/** Who uses the console. For what to offer only: every right is enforced by the API. */
import { createContext, useContext } from 'react';
import type { Shapes } from './api/client.ts';

export type SignedInCaller = Shapes['Caller'];

export const CallerContext = createContext<SignedInCaller | null>(null);

export function useCaller(): SignedInCaller {
  return useContext(CallerContext)!;
}
