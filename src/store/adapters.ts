/** Every store that gateway.yaml may name. All that a new one takes: docs/architecture.md, "What a store is". */
import type { Static, TSchema } from 'typebox';
import { Type } from '../schema-type.ts';
import type { StoreAdapter } from './adapter.ts';
import { redisAdapter } from './redis/adapter.ts';
import { sqliteAdapter } from './sqlite/adapter.ts';

/** The first is what a configuration without a `store` section gets. */
const ADAPTERS = [sqliteAdapter, redisAdapter] as const;

type SchemasOf<List extends ReadonlyArray<{ readonly schema: TSchema }>> = {
  -readonly [Index in keyof List]: List[Index]['schema'];
};

/** The `store` section of gateway.yaml. */
export const StoreSchema = Type.Union(ADAPTERS.map(({ schema }) => schema) as SchemasOf<typeof ADAPTERS>, {
  default: { driver: driverOf(ADAPTERS[0]) },
  description: 'Where organizations, members and tokens are kept.',
});

/** A `store` section that passed validation: every default is filled in. */
export type StoreSettings = Static<typeof StoreSchema>;

/** The adapter that these settings name. */
export function adapterOf({ driver }: StoreSettings): StoreAdapter<StoreSettings> {
  return ADAPTERS.find((adapter) => driverOf(adapter) === driver)!;
}

function driverOf({ schema }: { readonly schema: StoreAdapter<never>['schema'] }): string {
  return schema.properties.driver.const;
}
