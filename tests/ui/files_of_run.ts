/** The files of a run, as training writes them. @module */
import { join } from "node:path";
import { encodePng } from "../../src/formats/png.ts";

/** A line of `log.jsonl`. */
export const logLine = (iteration: number, source = 1 / iteration): string =>
  `${
    JSON.stringify({
      iteration,
      losses: { source, confidentShare: 0.5 },
      learningRate: 0.001,
      secondsPerIteration: 0.1,
      dataTimeShare: 0,
      residentBytes: 1e8,
    })
  }\n`;

/** A line of `evaluations.jsonl`. */
export const evaluationLine = (iteration: number, mIoU = 0.25): string =>
  `${
    JSON.stringify({
      iteration,
      centerCrop: null,
      results: {
        val: {
          mIoU,
          pixelAccuracy: 0.5,
          classes: [
            { name: "road", color: [128, 64, 128], iou: mIoU },
            { name: "car", color: [0, 0, 142], iou: null },
          ],
        },
      },
    })
  }\n`;

/** A white pixel. */
export const PIXEL = encodePng({
  width: 1,
  height: 1,
  channels: 3,
  data: Uint8Array.of(255, 255, 255),
});

/** Writes a run of two logged iterations, an evaluation and a panel. @returns Its folder. */
export async function writeRun(root: string, name: string): Promise<string> {
  const folder = join(root, name);
  await Deno.mkdir(join(folder, "pictures"), { recursive: true });
  await Deno.writeTextFile(join(folder, "config.yaml"), "seed: 3\niterations: 30\n");
  await Deno.writeTextFile(join(folder, "log.jsonl"), logLine(10) + logLine(20));
  await Deno.writeTextFile(join(folder, "evaluations.jsonl"), evaluationLine(20));
  await Deno.writeFile(join(folder, "pictures", "000020.png"), PIXEL);
  return folder;
}
