/**
 * Curves with their spread over seeds, from what `bench methods --track camvid --save
 * bench/results/camvid_NAME.json` kept:
 *
 *   deno run -A bench/evidence/picture.ts [bench/results [docs/images]]
 *
 * writes camvid_<problem>.png: validation mIoU in %, mean ± standard deviation, at equal
 * updates and at equal wall clock (in updates of the reference), of the look-aheads and of
 * those with masked images.
 *
 * @module
 */
import { join } from "node:path";
import { type Chart, type Curve, drawCharts } from "../../src/cli/curves_picture.ts";
import { meanOf, standardDeviation } from "./paired_difference.ts";
import { type Budget, BUDGETS, seedsOf } from "./protocol.ts";
import { type ProblemRecord, readEvidence } from "./report.ts";

/** Draws the curves of a problem; a PNG file. */
export function drawEvidence(record: ProblemRecord): Uint8Array {
  const methods = Object.keys(record.choices);
  const isMasked = (method: string) => method.startsWith("MIC");
  const groups: readonly (readonly [string, readonly string[]])[] = [
    ["look-ahead", methods.filter((method) => !isMasked(method))],
    [
      "masked images",
      [record.reference, ...methods.filter(isMasked)],
    ],
  ];
  const budgets = BUDGETS.filter((budget) => seedsOf(record.size, budget) > 0);
  const charts = groups.flatMap(([title, shown]) =>
    budgets.map((budget) => chartOf(record, budget, title, shown))
  );
  return drawCharts(charts, budgets.length);
}

function chartOf(
  record: ProblemRecord,
  budget: Budget,
  title: string,
  methods: readonly string[],
): Chart {
  const curves = methods.flatMap((method, color): Curve[] => {
    const runs = record.runs.filter((run) =>
      run.method === method && run.budget === budget
    );
    const [first] = runs;
    if (first === undefined) return [];
    const cost = budget === "updates" ? 1 : record.costs[method] ?? NaN;
    const at = first.curve.map((_, i) =>
      runs.map(({ curve }) => 100 * (curve[i]?.[1] ?? NaN))
    );
    return [{
      label: method,
      color,
      x: first.curve.map(([iteration]) => cost * iteration),
      y: at.map(meanOf),
      ...runs.length > 1 && { spread: at.map(standardDeviation) },
    }];
  });
  return {
    title,
    about: budget === "updates" ? "val mIoU by updates" : "val mIoU by time",
    format: (value) => `${Number(value.toPrecision(4))} %`,
    fromZero: false,
    last: Math.max(...curves.flatMap(({ x }) => x)),
    curves,
  };
}

if (import.meta.main) {
  const [results = "bench/results", folder = "docs/images"] = Deno.args;
  for (const record of await readEvidence(results)) {
    const file = join(folder, `camvid_${record.problem}.png`);
    await Deno.writeFile(file, drawEvidence(record));
  }
}
