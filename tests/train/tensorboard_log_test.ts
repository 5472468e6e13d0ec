// The event file says what the logs say, each iteration once, and TensorBoard reads it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { maskedCrc32c } from "../../src/formats/event_file.ts";
import {
  parseEvaluationLine,
  parseLogLine,
  readLines,
  runFolder,
} from "../../src/train/run_files.ts";
import { main as train } from "../../tasks/train.ts";
import { call, tinyFile, WASM } from "../support/commands.ts";
import { inFolder, namesIn, succeeds } from "../support/files.ts";

const PYTHON = "python3";
const hasTensorBoard = await succeeds(PYTHON, "-c", "import tensorboard, PIL")
  .catch(() => false);

/** What TensorBoard's own reader finds, as JSON. */
const READER = `
import io, json, sys
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance=dict(scalars=0, images=0, tensors=0))
events.Reload()
tags = events.Tags()
print(json.dumps(dict(
    scalars={t: [[e.step, e.value] for e in events.Scalars(t)] for t in tags["scalars"]},
    images=[[e.step, e.width, e.height, *Image.open(io.BytesIO(e.encoded_image_string)).convert("RGB").size]
            for t in tags["images"] for e in events.Images(t)],
    config=events.Tensors("config")[0].tensor_proto.string_val[0].decode(),
)))
`;

interface Found {
  readonly scalars: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  readonly images: readonly (readonly number[])[];
  readonly config: string;
}

async function readWithTensorBoard(folder: string): Promise<Found> {
  const { stdout, stderr, success } = await new Deno.Command(PYTHON, {
    args: ["-c", READER, folder],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The scalars that the logs of a run hold, as float32. */
async function scalarsOf(path: string): Promise<Found["scalars"]> {
  const scalars: Record<string, [number, number][]> = {};
  const add = (tag: string, step: number, value: number | null) => {
    if (value !== null) (scalars[tag] ??= []).push([step, Math.fround(value)]);
  };
  const folder = runFolder(path);
  for (const line of await readLines(folder.log, parseLogLine)) {
    const { iteration, losses, ...figures } = line;
    for (const [name, value] of Object.entries(losses)) {
      add(name.endsWith("Share") ? name : `losses/${name}`, iteration, value);
    }
    for (const [name, value] of Object.entries(figures)) add(name, iteration, value);
  }
  for (const line of await readLines(folder.evaluations, parseEvaluationLine)) {
    for (const [split, { classes, ...figures }] of Object.entries(line.results)) {
      for (const [name, value] of Object.entries(figures)) {
        add(`${name}/${split}`, line.iteration, value);
      }
      for (const { name, iou } of classes) {
        add(`IoU ${split}/${name}`, line.iteration, iou);
      }
    }
  }
  return scalars;
}

/** A run of four iterations that stops on the way and goes on. */
async function interruptedRun(folder: string): Promise<string> {
  const out = join(folder, "run");
  const args = [
    ...[await tinyFile(folder), "--out", out, ...WASM],
    ...["--set", "logging.tensorboard=true", "--set", "logging.imageInterval=2"],
    ...["--set", "method={name: self-training}", "--set", "evaluation.interval=2"],
    ...["--iterations", "4"],
  ];
  assert.equal((await call(train, ...args)).status, 0);
  // As a crash at the end would leave it: iteration 4 is logged, and done again.
  await Deno.remove(join(out, "summary.json"));
  const { status, error } = await call(train, ...args);
  assert.equal(status, 0, error);
  return out;
}

Deno.test("maskedCrc32c() gives the masked checksum of TensorFlow's records", () => {
  // The check value of CRC-32C is e3069283; TensorFlow's crc32c.h has the mask.
  const crc = 0xe3069283;
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  assert.equal(maskedCrc32c(new TextEncoder().encode("123456789")), masked);
});

Deno.test("logging.tensorboard leaves one event file, and none unless asked for", () =>
  inFolder(async (folder) => {
    const out = await interruptedRun(folder);
    const events = (await namesIn(out)).filter((name) => name.includes("tfevents"));
    assert.equal(events.length, 1);
    assert.match(events[0] ?? "", /^events\.out\.tfevents\.\d{10}\.fst$/);

    const plain = join(folder, "plain");
    const args = [await tinyFile(folder), "--out", plain, ...WASM];
    assert.equal((await call(train, ...args)).status, 0);
    assert(!(await namesIn(plain)).some((name) => name.includes("tfevents")));
    // A run that is finished gets one when it is asked for.
    const asked = await call(train, ...args, "--set", "logging.tensorboard=true");
    assert.match(asked.out, /already finished/);
    assert((await namesIn(plain)).some((name) => name.includes("tfevents")));
  }));

Deno.test({
  name: "TensorBoard reads the scalars of the logs, the panels and the configuration",
  ignore: !hasTensorBoard,
  fn: () =>
    inFolder(async (folder) => {
      const out = await interruptedRun(folder);
      const { scalars, images, config } = await readWithTensorBoard(out);
      const expected = await scalarsOf(out);
      assert(Object.keys(expected).length > 20);
      for (const points of Object.values(scalars)) {
        assert.equal(new Set(points.map(([step]) => step)).size, points.length);
      }
      assert.deepEqual(scalars, expected);
      assert.deepEqual(images.map(([step]) => step), [2, 4]);
      for (const [, width, height, ...decoded] of images) {
        assert.deepEqual(decoded, [width, height]);
      }
      const text = await Deno.readTextFile(join(out, "config.yaml"));
      assert.equal(config, `\`\`\`yaml\n${text}\n\`\`\``);
    }),
});
