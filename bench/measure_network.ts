/**
 * What one network costs: built, saved, loaded and run forward in a process of its own, so
 * that the peak of its memory is its own. Prints one JSON document.
 *
 *     deno run -A bench/one_network.ts CONFIG BACKEND SIDE
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { loadConfig } from "../src/config/read.ts";
import {
  type BackendChoice,
  type CpuOptions,
  openBackend,
  readBack,
} from "../src/core/backend.ts";
import { EVAL_CONTEXT } from "../src/core/network.ts";
import * as tf from "../src/core/tf.ts";
import {
  initializeWeights,
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "../src/core/weights.ts";
import { buildNetwork } from "../src/evaluate/build_network.ts";
import { classesOf } from "../src/prepare/data_specs.ts";
import { matchNetworkWeights } from "../src/weights/match_weights.ts";
import { readWeights } from "../src/weights/read_weights.ts";
import { safetensorsChunks } from "../src/weights/safetensors.ts";
import { writeAtomic } from "../src/io/write_atomic.ts";

/** What was measured; times in seconds, memory in bytes. */
export interface NetworkCost {
  readonly backend: string;
  readonly adapter: string;
  readonly parameters: number;
  readonly fileBytes: number;
  readonly build: number;
  readonly save: number;
  readonly load: number;
  /** The first pass compiles and packs weights, the second is what a picture costs. */
  readonly forward: readonly [first: number, second: number];
  /** Of the whole process, at any time. */
  readonly peakBytes: number;
}

async function timed<T>(work: () => T | Promise<T>): Promise<[T, number]> {
  const from = performance.now();
  const result = await work();
  return [result, (performance.now() - from) / 1000];
}

async function measureNetwork(
  file: string,
  backend: BackendChoice,
  side: number,
  cpu: CpuOptions,
): Promise<NetworkCost> {
  const config = await loadConfig(file);
  const info = await openBackend(backend, cpu);
  const network = buildNetwork(config.model, classesOf(config.data).length);
  const { parameters } = network;
  const [initialized, build] = await timed(() => initializeWeights(parameters, 0));

  const folder = await Deno.makeTempDir({ prefix: "fst_" });
  const path = join(folder, "network.safetensors");
  const [, save] = await timed(async () => {
    const host = await weightsToHost(parameters, initialized);
    await writeAtomic(path, safetensorsChunks(host, { format: "pt" }));
  });
  releaseWeights(initialized);
  const { size } = await Deno.stat(path);
  const [weights, load] = await timed(async () => {
    const { tensors } = await readWeights(path);
    return weightsFromHost(
      parameters,
      matchNetworkWeights(network, tensors, path).tensors,
    );
  });
  await Deno.remove(folder, { recursive: true });

  const forwardOnce = async () => {
    const logits = tf.tidy(() => {
      const image = tf.randomNormal<tf.Rank.R4>([1, side, side, 3], 0, 1, "float32", 1);
      return network.forward(weights, image, EVAL_CONTEXT).logits;
    });
    const values = await readBack(logits);
    logits.dispose();
    if (!values.every((value: number) => Number.isFinite(value))) {
      throw new Error(`Cannot measure "${file}": its logits are not finite`);
    }
  };
  const [, first] = await timed(forwardOnce);
  const [, second] = await timed(forwardOnce);
  return {
    backend: info.name,
    adapter: info.adapter,
    parameters: parameters.filter(({ trainable }) => trainable)
      .reduce((sum, { shape }) => sum + shape.reduce((all, axis) => all * axis, 1), 0),
    fileBytes: size,
    build,
    save,
    load,
    forward: [first, second],
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

if (import.meta.main) {
  const [file = "", backend = "auto", side = "512", native = "off", threads = "1"] =
    Deno.args;
  const cpu = {
    native,
    threads: threads === "auto" ? threads : Number(threads),
  } as const;
  const cost = await measureNetwork(file, backend as BackendChoice, Number(side), cpu);
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(cost)));
}
