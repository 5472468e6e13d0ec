/** The same work here and in other libraries, measured in turns. @module */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type BackendChoice, probeAdapter } from "../../src/core/backend.ts";
import { median } from "../median.ts";
import type { PeerCase } from "./cases.ts";
import {
  assertPyTorch,
  checkoutImportMap,
  checkoutProgram,
  JAX,
  openPeerProcess,
  OURS,
  type PeerProcess,
  type PeerProgram,
  PYTORCH,
} from "./peer_process.ts";
import { flopsOf, type WorkCost, type WorkTask } from "./work.ts";

/** What is compared. */
export interface CompareOptions {
  readonly cases: readonly PeerCase[];
  readonly libraries: readonly Library[];
  /** Another checkout of fst that is measured, too; null: none. */
  readonly checkout: string | null;
  readonly backend: BackendChoice;
  /** Turns that count; warming up comes first. */
  readonly rounds: number;
  /** Numbers of threads; on a GPU they play no part. */
  readonly threads: readonly number[];
  /** "auto", "off" or a file with native code for fst; null: as fst decides. */
  readonly native: string | null;
  /** Receives what is opened and found equal. */
  readonly log: (line: string) => void;
}

/** Another library by the name that options have for it. */
export type Library = "pytorch" | "jax-js";

const LIBRARIES: readonly Library[] = ["pytorch", "jax-js"];

/** A case, measured here and there. */
export interface PeerTime {
  readonly case: string;
  /** Null on a GPU. */
  readonly threads: number | null;
  /** The other side. */
  readonly peer: string;
  /** Trained parameters, the same here and there; null for an operation. */
  readonly parameters: number | null;
  /** Largest difference of the results, relative to the largest value. */
  readonly difference: number;
  /** Operations with floating point of a short work; null for others. */
  readonly flops: number | null;
  /** Medians over the rounds. */
  readonly ours: WorkCost;
  readonly theirs: WorkCost;
  /** Medians over the rounds of ours divided by theirs. */
  readonly ratios: WorkCost;
}

/** What was found, and where. */
export interface Comparison {
  readonly backend: "webgpu" | "wasm";
  /** Libraries with their versions and devices, ours first. */
  readonly descriptions: readonly string[];
  readonly times: readonly PeerTime[];
}

// Sums are taken in another order, in networks of a hundred layers.
const TOLERANCE = 1e-3;

/** Checks names; "none" stands for no library. @throws {RangeError} If one is unknown. */
export function parseLibraries(names: readonly string[]): readonly Library[] {
  if (names.length === 0) return LIBRARIES;
  return names.filter((name) => name !== "none").map((name) => {
    const library = LIBRARIES.find((one) => one === name);
    if (library !== undefined) return library;
    throw new RangeError(
      `Cannot compare with "${name}": known are ${LIBRARIES.join(", ")} and none`,
    );
  });
}

/** Numbers of threads to measure with: the wanted one, or one and as many as cores. */
export function threadCounts(
  wanted: number | "auto" | undefined,
  cores: number,
): number[] {
  return typeof wanted === "number" ? [wanted] : [...new Set([1, cores])];
}

/** Middle values of costs. */
export function medianCost(costs: readonly WorkCost[]): WorkCost {
  return {
    seconds: median(costs.map(({ seconds }) => seconds)),
    cpuSeconds: median(costs.map(({ cpuSeconds }) => cpuSeconds)),
  };
}

/** Middle values of the ratios of costs of the same round. */
export function medianRatio(
  ours: readonly WorkCost[],
  theirs: readonly WorkCost[],
): WorkCost {
  return medianCost(ours.map(({ seconds, cpuSeconds }, round) => ({
    seconds: seconds / (theirs[round]?.seconds ?? NaN),
    cpuSeconds: cpuSeconds / (theirs[round]?.cpuSeconds ?? NaN),
  })));
}

/** A process to be, and how it differs from ours. */
interface Peer {
  readonly program: PeerProgram;
  readonly task: Pick<WorkTask, "device" | "tf32">;
}

/**
 * Compares.
 *
 * @throws {Error} If a library is missing, or computes something else than we do.
 */
export async function comparePeers(options: CompareOptions): Promise<Comparison> {
  const backend = await resolveBackend(options.backend);
  if (options.libraries.includes("pytorch")) await assertPyTorch();
  const folder = await Deno.makeTempDir({ prefix: "fst_peers_" });
  const descriptions = new Set<string>();
  const times: PeerTime[] = [];
  try {
    const checkout = options.checkout === null
      ? null
      : await openCheckout(options.checkout, folder);
    for (const one of options.cases) {
      const peers = peersOf(one, options.libraries, checkout, backend);
      if (peers.length === 0) continue;
      for (const threads of backend === "webgpu" ? [null] : options.threads) {
        options.log(`${one.name}${threads === null ? "" : `, threads: ${threads}`}`);
        const file = join(folder, "task.safetensors");
        const compared = await compareCase(one, peers, { ...options, backend }, {
          file,
          threads,
        });
        compared.descriptions.forEach((text) => descriptions.add(text));
        times.push(...compared.times);
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  if (times.length === 0) {
    throw new RangeError(
      "Cannot compare: none of these cases has another side; jax-js does operations " +
        'alone, and "--against" names a checkout',
    );
  }
  return { backend, descriptions: [...descriptions], times };
}

/** "auto" takes a hardware GPU where there is one, as runs do. */
async function resolveBackend(choice: BackendChoice): Promise<"webgpu" | "wasm"> {
  if (choice !== "auto") return choice;
  const adapter = await probeAdapter();
  return adapter === null || adapter.software ? "wasm" : "webgpu";
}

async function openCheckout(checkout: string, folder: string): Promise<PeerProgram> {
  const path = resolve(checkout);
  const exists = await Deno.stat(join(path, "src", "core", "backend.ts"))
    .then(() => true, () => false);
  if (!exists) {
    throw new RangeError(
      `Cannot compare with "${checkout}": it is no checkout of fst; make one with ` +
        '"git worktree add DIR COMMIT"',
    );
  }
  const importMap = join(folder, "import_map.json");
  const map = checkoutImportMap(new URL(`${pathToFileURL(path).href}/`));
  await Deno.writeTextFile(importMap, map);
  return checkoutProgram(checkout, importMap);
}

function peersOf(
  { work }: PeerCase,
  libraries: readonly Library[],
  checkout: PeerProgram | null,
  backend: "webgpu" | "wasm",
): Peer[] {
  const onCpu = { device: "cpu", tf32: false } as const;
  const peers: Peer[] = [];
  if (libraries.includes("pytorch") && backend === "wasm") {
    peers.push({ program: PYTORCH, task: onCpu });
  } else if (libraries.includes("pytorch")) {
    for (const tf32 of [false, true]) {
      const name = `${PYTORCH.name}${tf32 ? ", TF32" : ""}`;
      peers.push({ program: { ...PYTORCH, name }, task: { device: "cuda", tf32 } });
    }
  }
  if (libraries.includes("jax-js") && work.kind === "operation") {
    peers.push({ program: JAX, task: onCpu });
  }
  if (checkout !== null) peers.push({ program: checkout, task: onCpu });
  return peers;
}

async function compareCase(
  { name, work }: PeerCase,
  peers: readonly Peer[],
  { backend, rounds, native, log }: CompareOptions,
  { file, threads }: { readonly file: string; readonly threads: number | null },
): Promise<{ descriptions: string[]; times: PeerTime[] }> {
  const task = { work, file, backend, threads, device: "cpu", tf32: false } as const;
  const settings = { threads, native };
  const processes: PeerProcess[] = [];
  try {
    const ours = await openPeerProcess(OURS, { ...task, isWritten: false }, settings);
    processes.push(ours);
    for (const { program, task: own } of peers) {
      const peerTask = { ...task, ...own, isWritten: true };
      const peer = await openPeerProcess(program, peerTask, settings);
      processes.push(peer);
      assertSame(name, ours, peer);
      const parameters = ours.parameters === null
        ? ""
        : `${ours.parameters} parameters here, ${peer.parameters} there, `;
      log(
        `  ${peer.description}: ${parameters}results differ by ${
          peer.difference.toExponential(1)
        }`,
      );
    }
    for (const one of processes) await one.warmUp();
    const costs = processes.map((): WorkCost[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, one] of processes.entries()) costs[i]?.push(await one.run());
    }
    const [own = [], ...others] = costs;
    const flops = work.kind === "operation" ? flopsOf(work.operation) : null;
    return {
      descriptions: processes.map(({ description }) => description),
      times: others.map((theirs, i) => ({
        case: name,
        threads,
        peer: processes[i + 1]?.name ?? "",
        parameters: ours.parameters,
        difference: processes[i + 1]?.difference ?? NaN,
        flops,
        ours: medianCost(own),
        theirs: medianCost(theirs),
        ratios: medianRatio(own, theirs),
      })),
    };
  } finally {
    await Promise.all(processes.map((one) => one.close()));
  }
}

function assertSame(name: string, ours: PeerProcess, peer: PeerProcess): void {
  if (peer.parameters !== ours.parameters) {
    throw new Error(
      `Cannot compare "${name}": the network has ${ours.parameters} parameters here and ` +
        `${peer.parameters} in ${peer.name}`,
    );
  }
  if (peer.difference <= TOLERANCE) return;
  throw new Error(
    `Cannot compare "${name}": results of ${peer.name} differ from ours by ` +
      `${peer.difference} of the largest value`,
  );
}
