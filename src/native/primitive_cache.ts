/** A cache that forgets what was not used for longest. @module */

/** Values by keys, at most a fixed number of them. */
export interface PrimitiveCache<T> {
  /** The value of a key, made if it is not there. */
  get(key: string, make: () => T): T;
  /** How many there are. */
  readonly size: number;
  /** Releases all. */
  clear(): void;
}

/** Makes an empty cache. @param release Called with every value that leaves it. */
export function createPrimitiveCache<T>(
  capacity: number,
  release: (value: T) => void,
): PrimitiveCache<T> {
  const values = new Map<string, { readonly value: T }>(); // the oldest use first
  return {
    get(key, make) {
      const cached = values.get(key) ?? { value: make() };
      values.delete(key);
      values.set(key, cached);
      if (values.size > capacity) {
        for (const [oldest, { value }] of values) {
          values.delete(oldest);
          release(value);
          break;
        }
      }
      return cached.value;
    },
    get size() {
      return values.size;
    },
    clear() {
      for (const { value } of values.values()) release(value);
      values.clear();
    },
  };
}
