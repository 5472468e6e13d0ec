import assert from "node:assert/strict";
import { join } from "node:path";
import { mit } from "../../src/models/mit.ts";
import { segformerHead } from "../../src/models/segformer_head.ts";
import { swin } from "../../src/models/swin.ts";
import { matchNetworkWeights } from "../../src/weights/match_weights.ts";
import {
  describeSelection,
  describeSource,
  readWeights,
  type TranslatedWeights,
} from "../../src/weights/read_weights.ts";
import { encodeSafetensors } from "../support/safetensors.ts";
import { writeTorchFile } from "../../src/weights/write_torch_file.ts";
import { huggingFaceSegformer, microsoftSwin } from "./names/foreign_files.ts";
import {
  MIT,
  mitWeights,
  segformerWeights,
  SWIN,
  swinWeights,
} from "./names/networks.ts";
import type { File } from "./names/own_weights.ts";
import { inFolder } from "../support/files.ts";

Deno.test("readWeights() looks at the bytes of a file, not at its name", async () => {
  await inFolder(async (folder) => {
    const own = segformerWeights();
    const { file } = huggingFaceSegformer(own);
    const torch = join(folder, "model.safetensors");
    await writeTorchFile(torch, file);
    const safe = join(folder, "pytorch_model.bin");
    await Deno.writeFile(safe, encodeSafetensors(file, { format: "pt" }));

    const read: TranslatedWeights[] = [await readWeights(torch), await readWeights(safe)];
    assert.deepEqual(read.map(({ format: kind }) => kind), ["torch-zip", "safetensors"]);
    assert.deepEqual(read[1]?.metadata, { format: "pt" });
    for (const { tensors, namingScheme } of read) {
      assert.equal(namingScheme, "hf-segformer");
      const head = { classes: 3, channels: 5, dropout: 0 };
      const parameters = [
        ...mit("backbone", MIT).parameters,
        ...segformerHead("decode_head", MIT.embedDims, head).parameters,
      ];
      const fits = matchNetworkWeights({ parameters }, tensors, "x");
      const unused = ["decode_head.conv_seg.weight", "decode_head.conv_seg.bias"];
      assert.deepEqual(fits.zeroedUnused, unused);
      for (const [name, value] of fits.tensors) {
        if (!unused.includes(name)) assert.deepEqual(value, own.get(name));
        else assert.ok(value.bytes.every((byte) => byte === 0), name);
      }
    }
  });
});

Deno.test("readWeights() of a classifier says what a network starts with afresh", async () => {
  await inFolder(async (folder) => {
    const own = swinWeights();
    const path = join(folder, "swin.pth");
    await writeTorchFile(path, microsoftSwin(own).file);
    const { tensors, dropped, allowMissing: lacking } = await readWeights(path);
    assert.deepEqual(dropped, ["norm.weight", "norm.bias", "head.weight", "head.bias"]);
    const { missing } = matchNetworkWeights(swin("backbone", SWIN), tensors, path, {
      allowMissing: lacking,
    });
    assert.equal(missing.length, 2 * SWIN.depths.length);
  });
});

Deno.test("readWeights() brings a Swin to another window", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "swin.pth");
    await writeTorchFile(path, microsoftSwin(swinWeights()).file);
    const { tensors, allowMissing: lacking } = await readWeights(path);
    const { resized } = matchNetworkWeights(
      swin("backbone", { ...SWIN, windowSize: 3 }),
      tensors,
      path,
      { allowMissing: lacking },
    );
    const blocks = SWIN.depths.reduce((sum, depth) => sum + depth, 0);
    assert.equal(resized.length, blocks);
    assert(resized.every((name) => name.endsWith("relative_position_bias_table")));
  });
});

const withPrefix = (own: File, prefix: string): File =>
  new Map([...own].map(([name, value]) => [prefix + name, value]));

Deno.test("readWeights() takes a UDA checkpoint's student, or its teacher on request", async () => {
  await inFolder(async (folder) => {
    const [student, teacher] = [mitWeights(), mitWeights()];
    const file = new Map([
      ...withPrefix(teacher, "ema_model."),
      ...withPrefix(student, "model."),
      ...withPrefix(mitWeights(), "imnet_model."),
    ]);
    for (
      const [name, write] of [
        ["uda.pth", writeTorchFile],
        [
          "uda.safetensors",
          (path: string, tensors: File) =>
            Deno.writeFile(path, encodeSafetensors(tensors)),
        ],
      ] as const
    ) {
      const path = join(folder, name);
      await write(path, file);
      const first = await readWeights(path);
      assert.deepEqual(first.otherPrefixes, ["ema_model.", "imnet_model."]);
      assert.deepEqual(new Map([...first.tensors].sort()), new Map([...student].sort()));
      const second = await readWeights(path, { prefix: "ema_model." });
      assert.deepEqual(new Map([...second.tensors].sort()), new Map([...teacher].sort()));
    }
  });
});

Deno.test("describeSource() has a line for each thing that was assumed", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "swin.pth");
    await writeTorchFile(path, microsoftSwin(swinWeights()).file);
    const dropped = "4 unused: norm.weight, norm.bias, head.weight, head.bias";
    assert.deepEqual(describeSource(await readWeights(path)), [
      "naming scheme: microsoft-swin (detected)",
      dropped,
    ]);
    const requested = await readWeights(path, { namingScheme: "microsoft-swin" });
    assert.deepEqual(describeSource(requested), [
      "naming scheme: microsoft-swin",
      dropped,
    ]);

    const uda = new Map([
      ...withPrefix(mitWeights(), "model."),
      ...withPrefix(mitWeights(), "ema_model."),
    ]);
    await writeTorchFile(path, uda);
    assert.deepEqual(describeSource(await readWeights(path)), [
      "naming scheme: fst (detected)",
      'taken: names without "model."; left out: "ema_model."',
    ]);
  });
});

Deno.test("describeSelection() says in one line what was taken, and how to take another", () => {
  const source = {
    stateDictKey: "model",
    prefix: "module.",
    innerWrappers: ["_orig_mod."],
    otherKeys: ["model_ema", "optimizer"],
    otherPrefixes: ["ema_model."],
    leftOut: ["n_averaged"],
    otherEntries: ["epoch"],
    isSchemeDetected: true,
    metadata: {},
    format: "torch-zip",
  } as const;
  const options = { stateDictKey: "--root", prefix: "--prefix" };
  assert.deepEqual(describeSelection(source, options), [
    'taken: the state dict "model", names without "module." and "_orig_mod."; left out: ' +
    '"model_ema" (--root model_ema), "optimizer", "ema_model." (--prefix ema_model.), ' +
    "n_averaged, epoch",
  ]);
  const whole = {
    ...source,
    stateDictKey: "",
    prefix: "",
    innerWrappers: [],
    otherKeys: [],
    otherPrefixes: [],
    leftOut: [],
    otherEntries: [],
  };
  assert.deepEqual(describeSelection(whole), []);
  assert.deepEqual(describeSelection({ ...whole, leftOut: ["step"] }), [
    "taken: the network; left out: step",
  ]);
});

const STRANGERS: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
  ["nothing", "", /it is empty$/],
  ["a web page", "<!doctype html><html>{}</html>", /it is a web page/],
  ["a pointer", "version https://git-lfs.github.com/spec/v1\n", /a pointer of Git LFS/],
  ["a table of shards", '{"weight_map": {"a": "model-00001.safetensors"}}', /JSON file/],
  ["an archive", new Uint8Array([0x1f, 0x8b, 8, 0]), /a gzip archive; unpack it/],
  ["a network of Keras", new Uint8Array([0x89, 0x48, 0x44, 0x46, 13, 10]), /HDF5/],
  ["a graph of ONNX", new Uint8Array([8, 7, 0x12, 7, 0x70, 0x79]), /an ONNX file/],
  ["a pickle", new Uint8Array([0x80, 4, 0x5d, 0x2e]), /none of torch\.save\(\)/],
  ["a picture", new Uint8Array([0xff, 0xd8, 0xff, 0xe0]), /neither a PyTorch nor a safe/],
  ["a word", "weights", /neither a PyTorch nor a safetensors file$/],
];

for (const [what, contents, message] of STRANGERS) {
  Deno.test(`readWeights() says of ${what} that it holds no weights`, async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "net.pth");
      const bytes = typeof contents === "string"
        ? new TextEncoder().encode(contents)
        : contents;
      await Deno.writeFile(path, bytes);
      await assert.rejects(readWeights(path), { name: "SyntaxError", message });
    });
  });
}

Deno.test("readWeights() names a file that is one of several", async () => {
  for (const end of ["safetensors", "bin"]) {
    await assert.rejects(readWeights(`x/model-00001-of-00002.${end}`), {
      name: "SyntaxError",
      message:
        `Cannot read "x/model-00001-of-00002.${end}": it is part 1 of the 2 files ` +
        "that hold the weights of one network; join their tensors in one file first",
    });
  }
});

Deno.test("readWeights() of a path that leads nowhere says so", async () => {
  await assert.rejects(readWeights("/nowhere/net.pth"), {
    name: "NotFound",
    message: 'Cannot read "/nowhere/net.pth": there is no such file',
  });
});
