/** Golden files of learning rates, the teacher's momentum and optimizer steps. @module */
import * as z from "../../../src/core/zod.ts";
import { learningRateAt } from "../../../src/optim/learning_rate.ts";
import { warmedUpEmaDecay } from "../../../src/optim/ema_update.ts";
import type { CheckResult } from "../../../src/doctor/check.ts";
import type { Golden } from "../golden_file.ts";
import { compare } from "./compare.ts";
import { verifyOptimizers } from "./verify_optimizers.ts";
import { sidecarValue } from "./vector_file.ts";

const TOLERANCE = { relative: 1e-9 };
const numbers = z.array(z.number());
const Poly = z.array(z.object({
  config: z.object({
    base: numbers,
    warmup_iters: z.int(),
    warmup_ratio: z.number(),
    max_iters: z.int(),
    power: z.number(),
    min_lr: z.number(),
  }),
  values: z.array(z.object({ iter: z.int(), lr: numbers })),
})).default([]);
const EmaDecays = z.array(z.object({
  alpha: z.number(),
  values: z.array(z.object({ counter: z.int(), alpha_teacher: z.number() })),
})).default([]);
const SemiPoly = z.object({
  config: z.object({
    lr: numbers,
    power: z.number(),
    iters_per_epoch: z.int(),
    epochs: z.int(),
  }),
  values: z.array(z.object({ step: z.int(), lr_before_step: numbers })),
}).optional();

/** Verifies everything in the file. */
export async function verifySchedules(golden: Golden): Promise<CheckResult[]> {
  return [
    ...verifyPoly(golden),
    ...verifyEmaDecays(golden),
    ...verifySemiPoly(golden),
    ...await verifyOptimizers(golden),
  ];
}

function verifyPoly(golden: Golden): CheckResult[] {
  const schedules = sidecarValue(golden, "mmcv_poly_linear_warmup", Poly);
  return schedules.flatMap(({ config, values }, i) => {
    const schedule = {
      iterations: config.max_iters,
      warmupIterations: config.warmup_iters,
      warmupRatio: config.warmup_ratio,
      power: config.power,
      minLearningRate: config.min_lr,
    };
    return values.map(({ iter, lr }) => {
      const learningRates = config.base.map((base) =>
        learningRateAt(base, iter, schedule)
      );
      return compare(`poly ${i} iteration ${iter}`, learningRates, lr, TOLERANCE);
    });
  });
}

function verifyEmaDecays(golden: Golden): CheckResult[] {
  return sidecarValue(golden, "ema_alpha", EmaDecays).flatMap(({ alpha, values }) =>
    values.map(({ counter, alpha_teacher }) =>
      compare(
        `EMA decay ${alpha} at step ${counter}`,
        [warmedUpEmaDecay(counter, alpha)],
        [alpha_teacher],
        TOLERANCE,
      )
    )
  );
}

function verifySemiPoly(golden: Golden): CheckResult[] {
  const semi = sidecarValue(golden, "semi_seg_poly", SemiPoly);
  if (semi === undefined) return [];
  const { lr, power, iters_per_epoch, epochs } = semi.config;
  const schedule = {
    iterations: iters_per_epoch * epochs,
    warmupIterations: 0,
    warmupRatio: 1,
    power,
    minLearningRate: 0,
  };
  return semi.values.map(({ step, lr_before_step }) => {
    // The recorded value lags one iteration behind the one that the step is taken with.
    const iteration = Math.max(step - 1, 0);
    const learningRates = lr.map((base) => learningRateAt(base, iteration, schedule));
    return compare(
      `semi-supervised poly row ${step}`,
      learningRates,
      lr_before_step,
      TOLERANCE,
    );
  });
}
