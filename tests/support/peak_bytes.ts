/** Counting the memory of live tensors, for tests and benchmarks. @module */
import * as tf from "../../src/core/tf.ts";

interface Info {
  readonly bytes: number;
}

// A private member of tfjs-core 4.22.0: what is known of every tensor's memory.
interface CountingEngine {
  readonly state: { readonly tensorInfo: WeakMap<object, Info> };
}

/**
 * The most bytes of tensors that were alive at once while something ran, beyond those that
 * were before it. Memory that several tensors share counts once.
 */
export function measurePeakBytes(run: () => void): number {
  const { tensorInfo } = (tf.engine() as unknown as CountingEngine).state;
  let [bytes, peak] = [0, 0];
  const overrides = {
    set(id: object, info: Info) {
      bytes += info.bytes;
      peak = Math.max(peak, bytes);
      return WeakMap.prototype.set.call(tensorInfo, id, info);
    },
    delete(id: object) {
      bytes -= tensorInfo.get(id)?.bytes ?? 0;
      return WeakMap.prototype.delete.call(tensorInfo, id);
    },
  };
  Object.assign(tensorInfo, overrides);
  try {
    run();
  } finally {
    for (const name of Object.keys(overrides)) Reflect.deleteProperty(tensorInfo, name);
  }
  return peak;
}
