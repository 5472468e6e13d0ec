/** What `bench methods --track camvid --save FILE` kept, as tables of a document. @module */
import { meanAndSpread } from "./paired_difference.ts";
import { type Budget, BUDGETS, methodsOf, seedsOf } from "./protocol.ts";
import { primaryOf, type ProblemRecord, signed } from "./report.ts";

/** The tables of all problems, in Markdown. */
export function evidenceMarkdown(records: readonly ProblemRecord[]): string {
  return records.flatMap((record) =>
    BUDGETS.flatMap((budget) => {
      const seeds = seedsOf(record.size, budget);
      return seeds === 0 ? [] : [
        `**${record.title}**: equal ${budget}, ${seeds} seeds, test mIoU in %.`,
        methodTable(record, budget),
        comparisonTable(record, budget),
      ];
    })
  ).join("\n\n");
}

function methodTable(record: ProblemRecord, budget: Budget): string {
  const methods = methodsOf({ methods: record.choices }, record.size, budget);
  const rows = methods.map((method) => {
    const { learningRate } = record.choices[method] ?? { learningRate: NaN };
    const runs = record.runs.filter((run) =>
      run.method === method && run.budget === budget
    );
    const cost = (record.costs[method] ?? NaN).toFixed(2);
    const updates = String(runs[0]?.iterations ?? "–");
    const mIoU = meanAndSpread(runs.map(primaryOf));
    return [method, String(learningRate), cost, updates, mIoU];
  });
  return table(["method", "learning rate", "cost", "updates", "mIoU"], rows);
}

function comparisonTable({ comparisons }: ProblemRecord, budget: Budget): string {
  const rows = comparisons.filter((one) => one.budget === budget).map((one) => [
    `${one.method} against ${one.against}`,
    signed(one.mean),
    one.interval.map(signed).join(" … "),
    one.p.toFixed(3),
    one.corrected.toFixed(3),
    one.detectable.toFixed(2),
  ]);
  const titles = ["", "difference", "95 % interval", "p", "p (Holm)", "could be seen"];
  return table(titles, rows);
}

function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const marks = titles.map((_, i) => i === 0 ? "---" : "---:");
  return [titles, marks, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
