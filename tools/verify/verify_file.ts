/** Golden files against this implementation. @module */
import { checkError, type CheckResult } from "../../src/doctor/check.ts";
import { type Golden, readGolden } from "./golden_file.ts";
import { verifyDinov2 } from "./verify_dinov2.ts";
import { verifyHead } from "./verify_head.ts";
import { verifyNetwork } from "./verify_network.ts";
import { verifyTrace } from "./verify_trace.ts";
import { verifyAugment } from "./vectors/verify_augment.ts";
import { verifyLosses } from "./vectors/verify_losses.ts";
import { verifyOps } from "./vectors/verify_ops.ts";
import { verifySampling } from "./vectors/verify_sampling.ts";
import { verifySchedules } from "./vectors/verify_schedules.ts";
import { verifySwin } from "./vectors/verify_swin.ts";

export type { CheckResult } from "../../src/doctor/check.ts";

type Verifier = (golden: Golden) => Promise<CheckResult[]>;

/** By what a golden file's name starts with; the first that fits is used. */
const VERIFIERS: readonly (readonly [prefix: string, verify: Verifier])[] = [
  ["vec_ops", verifyOps],
  ["vec_losses", verifyLosses],
  ["vec_sampling", verifySampling],
  ["vec_schedules", verifySchedules],
  ["vec_augment", verifyAugment],
  ["vec_swin", verifySwin],
  ["dinov2_", verifyDinov2],
  ["net_", verifyNetwork],
  ["head_", verifyHead],
  ["trace_", verifyTrace],
];

/**
 * Verifies a golden file on the current backend.
 *
 * @param path Of the .safetensors or of the .json; the other must lie beside it.
 * @returns A line per tensor or figure, in the order of the file.
 * @throws {SyntaxError} If the file is no golden file, or of a kind that is not supported.
 * @throws {Deno.errors.NotFound} If one of the pair is absent.
 * @throws {Error} If the device failed.
 */
export async function verifyFile(path: string): Promise<CheckResult[]> {
  const golden = await readGolden(path);
  const verifier = VERIFIERS.find(([prefix]) => golden.name.startsWith(prefix));
  if (verifier === undefined) {
    const known = VERIFIERS.map(([prefix]) => prefix).join(", ");
    throw new SyntaxError(
      `Cannot verify "${golden.name}": golden files of this kind are not supported yet; ` +
        `known are ${known}`,
    );
  }
  const [, verify] = verifier;
  const results = await verify(golden);
  // A file in which nothing was found must not look like a success.
  if (results.length > 0) return results;
  return [
    checkError(golden.name, NaN, 0, "the file has no case that this verifier knows"),
  ];
}
