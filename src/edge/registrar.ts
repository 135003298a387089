/** Who writes down what an upstream has made or removed. Types only: managing records is another room's. */
import type { Allowed } from '../core/decide.ts';

/** Where it happened, for the log. */
export interface RegistrationPlace {
  readonly requestId: string;
  readonly routeId: string;
}

/** Each resolves when it is done, or cannot be waited for any longer; none rejects. */
export interface Registrar {
  register(allowed: Allowed, type: string, id: string, place: RegistrationPlace): Promise<void>;
  unregister(allowed: Allowed, type: string, id: string, place: RegistrationPlace): Promise<void>;
  /** The answer does not name what was made. */
  unreadable(place: RegistrationPlace): void;
}
