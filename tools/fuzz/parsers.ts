/** What reads files of strangers: the parsers that are fuzzed, and their good files. @module */

import { Buffer } from "node:buffer";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { CLASS_NAME } from "../../src/core/host_batch.ts";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import { parseConfig, stringifyConfig } from "../../src/config/read.ts";
import { parseSampleClassStats } from "../../src/data/class_statistics.ts";
import type { DataSpec, FolderSpec } from "../../src/data/data_spec.ts";
import { openDataSet } from "../../src/data/open_data_set.ts";
import { openSource } from "../../src/data/source/open_source.ts";
import { decodeImage } from "../../src/formats/image_codec.ts";
import { readMatByteMatrix } from "../../src/formats/mat.ts";
import { decodePng, encodePng } from "../../src/formats/png.ts";
import { decodeTiff } from "../../src/formats/tiff.ts";
import { readClassFile } from "../../src/init/class_files.ts";
import { cachedResult } from "../../src/io/cached_result.ts";
import { openHttpFile } from "../../src/io/http_file.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { readWeights } from "../../src/weights/read_weights.ts";
import { safetensorsChunks } from "../../src/weights/safetensors.ts";

/** Something that reads bytes which anybody may have made. */
export interface Parser {
  /** What it reads. */
  readonly title: string;
  /** Where its good files are: folders from the root of this project, and their endings. */
  readonly seeds: readonly (readonly [folder: string, names: RegExp])[];
  /** Makes the checksums of an input right again, so that what lies behind them is met. */
  readonly repair?: (bytes: Uint8Array) => void;
  /**
   * Prepares for many inputs.
   *
   * @param folder An empty folder.
   * @returns What reads one input, to its end.
   */
  readonly open: (folder: string) => Promise<(bytes: Uint8Array) => Promise<void> | void>;
}

const ROOT = fileURLToPath(import.meta.resolve("../../"));

/** The good files of a parser, in the order of their names. */
export async function readSeeds({ seeds }: Pick<Parser, "seeds">): Promise<Uint8Array[]> {
  const files: Uint8Array[] = [];
  for (const [folder, names] of seeds) {
    for (const name of (await readdir(join(ROOT, folder))).sort()) {
      if (names.test(name)) {
        files.push(new Uint8Array(await readFile(join(ROOT, folder, name))));
      }
    }
  }
  return files;
}

/** @throws {Error} If a parser gives what it promises not to. */
function assertGives(holds: boolean, what: string): void {
  if (!holds) throw new Error(`${what} is not what was promised`);
}

const CLASSES = ["road", "sky", "car"].map((name) => ({
  name,
  color: [1, 2, 3] as const,
}));

const folderSpec = (root: string, rest: Partial<FolderSpec> = {}): FolderSpec => ({
  kind: "folder",
  root,
  split: "train",
  classes: CLASSES,
  labeled: true,
  ...rest,
});

/** Reads all of a data set. */
async function readAll(spec: DataSpec): Promise<void> {
  const set = await openDataSet(spec);
  for (const i of set.names.keys()) {
    const { width, height, image, label } = await set.read(i);
    assertGives(image.length === 3 * width * height, "an image");
    assertGives(label?.length === width * height, "a label");
  }
}

const archive = (title: string, ending: string, repair?: Parser["repair"]): Parser => ({
  title,
  seeds: [[`tests/fuzz/${ending}`, /./]],
  ...(repair && { repair }),
  open: (folder) => {
    const path = join(folder, `input.${ending}`);
    return Promise.resolve(async (bytes) => {
      await writeFile(path, bytes);
      await readAll(folderSpec(path));
    });
  },
});

const annotations = (
  kind: "coco" | "labelme",
  title: string,
  place: string,
  sizes: readonly (readonly [width: number, height: number])[],
): Parser => ({
  title,
  seeds: [[`tests/fuzz/${kind}`, /./]],
  open: async (folder) => {
    const path = join(folder, place);
    await mkdir(join(folder, "train"), { recursive: true });
    await mkdir(dirname(path), { recursive: true });
    for (const [i, [width, height]] of sizes.entries()) {
      const data = new Uint8Array(3 * width * height);
      const image = encodePng({ width, height, channels: 3, data });
      await writeFile(join(folder, `train/${String(i).padStart(4, "0")}.png`), image);
    }
    return async (bytes) => {
      await writeFile(path, bytes);
      const { split, classes, labeled } = folderSpec(folder);
      await readAll({ kind, root: folder, split, classes, labeled, background: null });
    };
  },
});

const weights = (title: string, ending: string, names: RegExp): Parser => ({
  title,
  seeds: [["tests/golden/checkpoints", names]],
  open: (folder) => {
    const path = join(folder, `input.${ending}`);
    return Promise.resolve(async (bytes) => {
      await writeFile(path, bytes);
      const { tensors } = await readWeights(path, { namingScheme: "fst" });
      for (const { dtype, shape, bytes } of tensors.values()) {
        const elements = shape.reduce((product, size) => product * size, 1);
        const bits = Number(/\d+/.exec(dtype) ?? 8);
        assertGives(bytes.length * 8 === elements * bits, "a tensor");
      }
    });
  },
});

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Every parser, by its name on the command line. */
export const PARSERS = {
  png: {
    title: "PNG labels",
    seeds: [["tests/fuzz/png", /./], ["tests/formats/opencv", /\.png$/]],
    repair: repairPng,
    open: () =>
      Promise.resolve((bytes) => {
        const { width, height, channels, data } = decodePng(bytes, "input.png");
        assertGives(data.length === width * height * channels, "a label");
      }),
  },
  image: {
    title: "JPEG and PNG pictures",
    seeds: [["tests/formats/opencv", /./], ["tests/fuzz/png", /./]],
    repair: repairPng,
    open: () =>
      Promise.resolve(async (bytes) => {
        const { width, height, data } = await decodeImage(bytes, "input.jpg");
        assertGives(data.length === 3 * width * height, "an image");
      }),
  },
  tiff: {
    title: "TIFF pictures and labels",
    seeds: [["tests/formats/tiff", /\.tif$/]],
    open: () =>
      Promise.resolve((bytes) => {
        const { width, height, channels, data } = decodeTiff(bytes, "input.tif");
        assertGives(data.length === width * height * channels, "an image");
      }),
  },
  mat: {
    title: "MAT labels",
    seeds: [["tests/fuzz/mat", /./]],
    open: () =>
      Promise.resolve((bytes) => {
        try {
          const { rows, columns, data } = readMatByteMatrix(
            bytes,
            "GTcls",
            "Segmentation",
          );
          assertGives(data.length === rows * columns, "a label");
        } catch (error) {
          // Its message is a part of a sentence.
          if (!(error instanceof Error)) throw error;
          throw Object.assign(error, {
            message: `Cannot read "input.mat": ${error.message}`,
          });
        }
      }),
  },
  coco: annotations(
    "coco",
    "COCO annotations",
    "annotations/instances_train.json",
    [[32, 24], [24, 30]],
  ),
  labelme: annotations("labelme", "labelme annotations", "train/0000.json", [[32, 24]]),
  tar: archive("tar archives", "tar", repairTar),
  zip: archive("zip archives", "zip"),
  safetensors: weights("safetensors files", "safetensors", /\.safetensors$/),
  torch: weights("PyTorch files", "pth", /\.pth$/),
  record: {
    title: "records of runs in checkpoints",
    seeds: [["tests/fuzz/record", /./]],
    open: (folder) => {
      const path = join(folder, "input.safetensors");
      const tensors = new Map<string, HostTensor>([
        ["weight", { dtype: "F32", shape: [1], bytes: new Uint8Array(4) }],
      ]);
      return Promise.resolve(async (bytes) => {
        await writeFile(path, safetensorsChunks(tensors, { fst: decode(bytes) }));
        const { metadata } = await loadCheckpoint(path);
        parseConfig(JSON.stringify(metadata.config), path);
      });
    },
  },
  classes: {
    title: "names of classes",
    seeds: [["tests/fuzz/classes", /./]],
    async open(folder) {
      const { source } = await openSource({ root: folder });
      return async (bytes) => {
        for (const name of ["labelmap.txt", "_classes.csv", "classes.txt"]) {
          await writeFile(join(folder, name), bytes);
          const found = await readClassFile(source, [name]);
          assertGives(
            found?.classes.every((one) => CLASS_NAME.test(one.name)) ?? true,
            "the name of a class",
          );
        }
      };
    },
  },
  list: {
    title: "lists of images",
    seeds: [["tests/fuzz/list", /./]],
    open: async (folder) => {
      const list = join(folder, "list.txt");
      for (const name of ["a", "b", "c"]) {
        const samples = { width: 4, height: 2, data: new Uint8Array(24) };
        for (const [kind, channels] of [["images", 3], ["labels", 1]] as const) {
          const path = join(folder, kind, "train", `${name}.png`);
          await Deno.mkdir(join(folder, kind, "train"), { recursive: true });
          const data = samples.data.subarray(0, 8 * channels);
          await writeFile(path, encodePng({ ...samples, channels, data }));
        }
      }
      return async (bytes) => {
        await writeFile(list, bytes);
        await readAll(folderSpec(folder, { list }));
      };
    },
  },
  config: {
    title: "configurations",
    seeds: [["configs", /\.yaml$/]],
    open: () =>
      Promise.resolve((bytes) => {
        const config = parseConfig(decode(bytes), "input.yaml");
        parseConfig(stringifyConfig(config), "written.yaml");
      }),
  },
  overrides: {
    title: "values of --set",
    seeds: [["tests/fuzz/overrides", /./]],
    open: async () => {
      const config = await readFile(join(ROOT, "configs/demo.yaml"), "utf8");
      return (bytes) => {
        parseConfig(
          config,
          "demo.yaml",
          decode(bytes).split("\n").filter((line) => line !== ""),
        );
      };
    },
  },
  statistics: {
    title: "class statistics of the PyTorch code",
    seeds: [["tests/fuzz/sample_class_stats", /./]],
    open: () =>
      Promise.resolve((bytes) => {
        parseSampleClassStats(decode(bytes), "input.json", CLASSES.length);
      }),
  },
  cache: {
    title: "results that are kept in files",
    seeds: [["tests/fuzz/cache", /./]],
    open: async (folder) => {
      const result = JSON.stringify({ totals: [3, 1, 4], name: "road" });
      const read = () =>
        cachedResult(folder, "fuzz", "input", () => Promise.resolve(JSON.parse(result)));
      await read();
      const [file = ""] = await readdir(folder);
      return async (bytes) => {
        await writeFile(join(folder, file), bytes);
        assertGives(JSON.stringify((await read()).value) === result, "a kept result");
      };
    },
  },
  http: {
    title: "answers of servers",
    seeds: [["tests/fuzz/http", /./]],
    open: () => {
      let answer = new Uint8Array();
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.addr as Deno.NetAddr;
      const serve = async (connection: Deno.Conn) => {
        using _ = connection;
        await connection.read(new Uint8Array(1 << 12));
        await connection.write(answer);
      };
      const accept = async () => {
        for await (const connection of listener) serve(connection).catch(() => {});
      };
      accept().catch(() => {});
      return Promise.resolve(async (bytes) => {
        answer = bytes.slice();
        const url = `http://127.0.0.1:${port}/input.tar`;
        const file = await openHttpFile(url, { delays: [], timeout: 1 });
        const length = Math.min(16, file.size);
        const part = await file.withReader((read) => read(0, length));
        assertGives(part.length === length, "a part of a file");
      });
    },
  },
} as const satisfies Readonly<Record<string, Parser>>;

/** The name of a parser. */
export type ParserName = keyof typeof PARSERS;

const PNG_HEADER_BYTES = 8;

function repairPng(bytes: Uint8Array): void {
  if (bytes[0] !== 0x89) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = PNG_HEADER_BYTES; at + 12 <= bytes.length;) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) return;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
}

const TAR_BLOCK = 512;
const TAR_CHECKSUM = 148;

function repairTar(bytes: Uint8Array): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + TAR_BLOCK <= bytes.length; at += TAR_BLOCK) {
    if (buffer.toString("latin1", at + 257, at + 262) !== "ustar") continue;
    const field = buffer.subarray(at + TAR_CHECKSUM, at + TAR_CHECKSUM + 8);
    field.write("        ", "latin1");
    const sum = buffer.subarray(at, at + TAR_BLOCK).reduce((sum, byte) => sum + byte, 0);
    field.write(`${sum.toString(8).padStart(6, "0")}\0 `, "latin1");
  }
}
