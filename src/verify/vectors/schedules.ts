/** Golden files of learning rates, the teacher's momentum and optimizer steps. @module */
import { z } from "../../core/zod.ts";
import { learningRate } from "../../optim/schedule.ts";
import { teacherMomentum } from "../../optim/teacher_momentum.ts";
import type { CheckResult } from "../check.ts";
import type { Golden } from "../golden_file.ts";
import { compare } from "./compare.ts";
import { verifyOptimizers } from "./optimizers.ts";
import { partOf } from "./vector_file.ts";

const RATES = { relative: 1e-9 };
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
const Momenta = z.array(z.object({
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
    ...verifyMomenta(golden),
    ...verifySemiPoly(golden),
    ...await verifyOptimizers(golden),
  ];
}

function verifyPoly(golden: Golden): CheckResult[] {
  const schedules = partOf(golden, "mmcv_poly_linear_warmup", Poly);
  return schedules.flatMap(({ config, values }, i) => {
    const schedule = {
      iterations: config.max_iters,
      warmup: config.warmup_iters,
      warmupRatio: config.warmup_ratio,
      power: config.power,
      minimumRate: config.min_lr,
    };
    return values.map(({ iter, lr }) => {
      const rates = config.base.map((base) => learningRate(base, iter, schedule));
      return compare(`poly ${i} iteration ${iter}`, rates, lr, RATES);
    });
  });
}

function verifyMomenta(golden: Golden): CheckResult[] {
  return partOf(golden, "ema_alpha", Momenta).flatMap(({ alpha, values }) =>
    values.map(({ counter, alpha_teacher }) =>
      compare(
        `teacher momentum ${alpha} count ${counter}`,
        [teacherMomentum(counter, alpha)],
        [alpha_teacher],
        RATES,
      )
    )
  );
}

function verifySemiPoly(golden: Golden): CheckResult[] {
  const semi = partOf(golden, "semi_seg_poly", SemiPoly);
  if (semi === undefined) return [];
  const { lr, power, iters_per_epoch, epochs } = semi.config;
  const schedule = {
    iterations: iters_per_epoch * epochs,
    warmup: 0,
    warmupRatio: 1,
    power,
    minimumRate: 0,
  };
  return semi.values.map(({ step, lr_before_step }) => {
    // The recorded value lags one iteration behind the one that the step is taken with.
    const iteration = Math.max(step - 1, 0);
    const rates = lr.map((base) => learningRate(base, iteration, schedule));
    return compare(`semi-supervised poly row ${step}`, rates, lr_before_step, RATES);
  });
}
