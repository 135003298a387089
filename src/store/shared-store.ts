/**
 * A store whose changes are done only when everybody beside this process knows of them: a decorator that holds a commit
 * back until they do. Passes everything else on, and knows nobody by name.
 */
import { type Change, type Committed, OutcomeUnknown, type Store } from './store.ts';
import { StoreDecorator } from './store-decorator.ts';

export class SharedStore extends StoreDecorator {
  readonly #applied: (revision: number) => Promise<void>;

  /** `applied` rejects where nobody can say whether the others know. */
  constructor(store: Store, applied: (revision: number) => Promise<void>) {
    super(store);
    this.#applied = applied;
  }

  override async commit(change: Change): Promise<Committed> {
    const committed = await super.commit(change);
    if (committed.ok) {
      await this.#applied(committed.revision).catch((cause) => {
        throw new OutcomeUnknown(cause);
      });
    }
    return committed;
  }
}
