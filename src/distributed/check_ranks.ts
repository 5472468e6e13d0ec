/** Whether ranks can train one network together, before they begin. @module */
import type { BackendInfo } from "../core/device.ts";
import type { DeviceChoice } from "./device.ts";
import type { MpiCommunicator } from "./mpi.ts";

/** What a rank says of itself. */
export interface RankFacts {
  readonly host: string;
  /** Of its process. */
  readonly pid: number;
  readonly backend: Pick<BackendInfo, "name" | "adapter" | "software" | "engine">;
  /** Its GPU, if it computes on one. */
  readonly device: DeviceChoice;
  /** Versions of what computes, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** The settings of the run; JSON. */
  readonly config: unknown;
  /** What else the ranks were asked for, by name; JSON. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The facts of all ranks, in their order. Blocks. */
export function gatherFacts(
  ranks: Pick<MpiCommunicator, "gatherTexts">,
  own: RankFacts,
): RankFacts[] {
  return ranks.gatherTexts(JSON.stringify(own)).map((text) =>
    JSON.parse(text) as RankFacts
  );
}

/**
 * Compares what ranks say of themselves.
 *
 * @param facts Of all ranks, in their order.
 * @throws {Error} If two ranks of a host compute on one GPU and FST_DEVICE does not say so
 * for both, or ranks would compute different bits from the same values.
 */
export function checkRanks(facts: readonly RankFacts[]): void {
  const problem = sharedGpu(facts) ?? difference(facts);
  if (problem !== null) {
    throw new Error(`Cannot train on ${facts.length} ranks: ${problem}`);
  }
}

function sharedGpu(facts: readonly RankFacts[]): string | null {
  const first = new Map<string, number>();
  for (const [rank, { host, backend, device }] of facts.entries()) {
    if (backend.name !== "webgpu" || backend.software) continue;
    const gpu = `${host} ${device.address}`;
    const other = first.get(gpu);
    if (other === undefined) {
      first.set(gpu, rank);
      continue;
    }
    if (device.wanted && facts[other]?.device.wanted) continue;
    const where = device.address === null ? "" : ` at ${device.address}`;
    return `ranks ${other} and ${rank} compute on the same GPU of host "${host}" ` +
      `(${backend.adapter}${where}): start one rank per GPU there, or name the GPU of each ` +
      "with FST_DEVICE, which may be the same";
  }
  return null;
}

/** What makes the same values give other bits, and the cure. */
const PROPERTIES: readonly {
  readonly of: (facts: RankFacts) => Readonly<Record<string, unknown>>;
  readonly name: (key: string) => string;
  readonly cure: string;
}[] = [
  {
    of: ({ backend }) => ({ backend: backend.name }),
    name: (key) => `the ${key}`,
    cure: 'give all ranks the same "--backend"',
  },
  {
    // Not the threads: they change the order of sums, which ranks then share.
    of: ({ backend: { engine } }) => ({
      engine: engine.name,
      "engine's version": engine.version,
      "instruction set": engine.instructionSet,
    }),
    name: (key) => `the ${key}`,
    cure: "take machines and libraries of one kind",
  },
  {
    of: ({ versions }) => versions,
    name: (key) => `the version of ${key}`,
    cure: "install the same on all hosts",
  },
  {
    of: ({ config }) => Object.fromEntries(leavesOf(config)),
    name: (key) => `"${key}"`,
    cure: "give all ranks the same configuration",
  },
  {
    of: ({ options }) => options,
    name: (key) => `the option "${key}"`,
    cure: "give all ranks the same options",
  },
];

function difference(facts: readonly RankFacts[]): string | null {
  const [first, ...others] = facts;
  if (first === undefined) return null;
  for (const { of, name, cure } of PROPERTIES) {
    const expected = of(first);
    for (const [i, facts] of others.entries()) {
      const found = of(facts);
      for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
        const [a, b] = [expected[key], found[key]].map((value) => JSON.stringify(value));
        if (a === b) continue;
        return `${name(key)} is ${a ?? "missing"} on rank 0 (host "${first.host}") and ` +
          `${b ?? "missing"} on rank ${i + 1} (host "${facts.host}"): ${cure}`;
      }
    }
  }
  return null;
}

/** Values in an object by their paths, as "optimizer.learningRate". */
function* leavesOf(value: unknown, path = ""): Generator<[string, unknown]> {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    yield [path, value];
    return;
  }
  for (const [key, child] of Object.entries(value)) {
    yield* leavesOf(child, path === "" ? key : `${path}.${key}`);
  }
}
