// What ONNX Runtime computes from an exported file is what the network computes: every
// encoder with every decoder, at two sizes, one of them odd.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { DecoderConfig } from "../../src/config/decoder.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { makeOnnxFile } from "../../src/export/onnx_model.ts";
import { convolution } from "../../src/layers/convolution.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import type { Network } from "../../src/core/network.ts";
import { espnet } from "../../examples/espnet/espnet.ts";
import { onWebGpu } from "../support/backends.ts";
import { randomTensor } from "../support/compare.ts";
import {
  assertSameLogits,
  channelsFirst,
  exportedNetwork,
  logitsOf,
  noiseImages,
  releaseExported,
} from "../support/exported.ts";
import { inFolder } from "../support/files.ts";
import { HAS_ONNX_RUNTIME, openOnnx } from "../support/onnx_runtime.ts";
import { TINY_ENCODERS } from "../support/tiny_encoders.ts";
import { hasModules, openWithPython } from "./python.ts";

const CLASSES = 3;
const SIZE = { height: 64, width: 64 };
const dropout = 0.1;
const poolScales = [1, 2, 3];
const dilations = [1, 3];
const daformer = {
  name: "daformer",
  channels: 8,
  fusion: "separable-aspp",
  imagePool: false,
  dilations,
  dropout,
} as const;
const segformerHead = {
  name: "segformer",
  channels: 8,
  fusionKernelSize: 1,
  dropout,
} as const;
const semiDeeplabV3Plus = {
  name: "semi-deeplabv3+",
  channels: 8,
  innerPlanes: 4,
  representationHead: true,
  dilations,
  dropout,
} as const;
const DECODERS: readonly DecoderConfig[] = [
  daformer,
  segformerHead,
  { name: "deeplabv2", dilations },
  { name: "psp", channels: 8, poolScales, dropout },
  { name: "deeplabv3+", channels: 8, lowLevelChannels: 4, dilations, dropout },
  { name: "upernet", channels: 8, poolScales, dropout },
  { name: "isa", channels: 8, isaChannels: 4, downFactor: 2, dropout },
  { name: "danet", channels: 8, pamChannels: 4, dropout },
  { name: "dpt", channels: 4, levelChannels: [3, 4, 5, 6] },
  { name: "vfm-uda" },
  { name: "lraspp", channels: 8, lowIndex: 1 },
  { name: "semi-deeplabv2", dilations },
  semiDeeplabV3Plus,
  { name: "semi-psp", channels: 8, poolScales },
];
const FUSIONS = ["conv1", "aspp", "bottleneck", "isa"] as const;
const VARIANTS: Readonly<Record<string, DecoderConfig>> = {
  ...Object.fromEntries(
    FUSIONS.map((fusion) => [`daformer with ${fusion}`, { ...daformer, fusion }]),
  ),
  "daformer with imagePool": { ...daformer, imagePool: true },
  "segformer with fusionKernelSize 3": { ...segformerHead, fusionKernelSize: 3 },
  "semi-deeplabv3+ without representationHead": {
    ...semiDeeplabV3Plus,
    representationHead: false,
  },
};

const segformer = () =>
  buildNetwork({
    encoder: TINY_ENCODERS.mit,
    decoder: segformerHead,
    auxiliaryHead: null,
  }, CLASSES);

/** Registers a test on wasm; the runtime keeps threads of its own. */
function onWasm(
  name: string,
  fn: () => Promise<void>,
  { ignore = !HAS_ONNX_RUNTIME } = {},
): void {
  Deno.test({
    name,
    ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await openBackend("wasm");
      const before = tf.memory().numTensors;
      await fn();
      assert.equal(tf.memory().numTensors, before, "no tensor is left");
    },
  });
}

async function assertExports(network: Network, imageChannels = 3): Promise<void> {
  const exported = exportedNetwork(network, imageChannels);
  const { bytes, size, batch } = await makeOnnxFile(exported, {}, SIZE);
  assert.deepEqual([size, batch], [null, null], "inputs of any size");
  await assertSameLogits(bytes, exported);
  releaseExported(exported);
}

for (const encoder of Object.values(TINY_ENCODERS)) {
  for (const decoder of DECODERS) {
    onWasm(
      `ONNX Runtime computes ${encoder.name} with ${decoder.name}`,
      () =>
        assertExports(buildNetwork({ encoder, decoder, auxiliaryHead: null }, CLASSES)),
    );
  }
}

for (const [name, encoder] of Object.entries(TINY_ENCODERS)) {
  onWasm(`ONNX Runtime computes ${name} of four channels`, () => {
    const model = { encoder, decoder: segformerHead, auxiliaryHead: null };
    return assertExports(buildNetwork(model, CLASSES, 4), 4);
  });
}

for (const [variant, decoder] of Object.entries(VARIANTS)) {
  onWasm(`ONNX Runtime computes ${variant}`, () => {
    const encoder = TINY_ENCODERS.mit;
    return assertExports(
      buildNetwork({ encoder, decoder, auxiliaryHead: null }, CLASSES),
    );
  });
}

onWasm(
  "ONNX Runtime resizes the positions of DINOv2 as the network does, and not at all at their size",
  async () => {
    for (const variant of [{ registers: false }, { inputScale: 1.1 }]) {
      const encoder = { ...TINY_ENCODERS.dinov2, ...variant };
      const exported = exportedNetwork(
        buildNetwork({ encoder, decoder: segformerHead, auxiliaryHead: null }, CLASSES),
      );
      const { bytes, size } = await makeOnnxFile(exported, {}, SIZE);
      assert.equal(size, null, "inputs of any size");
      await assertSameLogits(bytes, exported, [[2, 56, 56], [1, 140, 33], [1, 51, 53]]);
      releaseExported(exported);
    }
  },
);

onWasm("ONNX Runtime computes a network of two resolutions, of one size", async () => {
  const exported = exportedNetwork(
    buildNetwork({
      encoder: TINY_ENCODERS.mit,
      decoder: segformerHead,
      auxiliaryHead: null,
      multiResolution: {
        detailSize: { height: 32, width: 48 },
        contextScale: 0.5,
        attentionChannels: 8,
        detailLossWeight: 0.1,
        coordinateDivisor: 8,
      },
    }, CLASSES),
  );
  for (const given of [null, { height: 61, width: 77 }]) {
    const { bytes, size, batch, notes } = await makeOnnxFile(
      exported,
      { size: given },
      SIZE,
    );
    const { height, width } = given ?? SIZE;
    assert.deepEqual([size, batch], [{ height, width }, null]);
    assert.equal(notes.length, given === null ? 1 : 0);
    await assertSameLogits(bytes, exported, [[2, height, width], [1, height, width]]);
  }
  releaseExported(exported);
});

onWasm(
  "ONNX Runtime computes ESPNet, a network declared elsewhere",
  () => assertExports(espnet({ classes: 6, unused: 1, p: 1, q: 1 })),
);

onWasm("onnx.checker accepts every encoder with every decoder", async () => {
  await inFolder(async (folder) => {
    const files: string[] = [];
    for (const encoder of Object.values(TINY_ENCODERS)) {
      for (const decoder of DECODERS) {
        const exported = exportedNetwork(
          buildNetwork({ encoder, decoder, auxiliaryHead: null }, CLASSES),
        );
        const { bytes } = await makeOnnxFile(exported, {}, SIZE);
        const file = join(folder, `${files.length}.onnx`);
        await Deno.writeFile(file, bytes);
        files.push(file);
        releaseExported(exported);
      }
    }
    await openWithPython("onnx", ...files);
  });
}, { ignore: !await hasModules("onnx") });

onWasm(
  "makeOnnxFile() writes labels that are the classes of the largest logits",
  async () => {
    const exported = exportedNetwork(segformer());
    const { bytes } = await makeOnnxFile(exported, { argmax: true }, SIZE);
    const images = noiseImages([2, 45, 38]);
    const { name, data, shape } = await (await openOnnx(bytes)).run(
      await channelsFirst(images),
      [2, 3, 45, 38],
    );
    const expected = tf.tidy(() => tf.argMax(logitsOf(exported, images), 1));
    const labels = await readBack(expected);
    assert.deepEqual([name, data.constructor, shape], ["labels", Int32Array, [
      2,
      45,
      38,
    ]]);
    const different =
      labels.filter((label: number, i: number) => label !== data[i]).length;
    assert.ok(different <= labels.length / 1000, `${different} labels differ`);
    assert.ok(new Set(labels).size > 1, "there are several classes");
    tf.dispose([images, expected]);
    releaseExported(exported);
  },
);

onWasm(
  "makeOnnxFile() leaves the normalization to the caller of a raw file",
  async () => {
    const exported = exportedNetwork(segformer());
    const { bytes } = await makeOnnxFile(exported, { raw: true }, SIZE);
    const identity = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
    await assertSameLogits(bytes, { ...exported, normalization: identity });
    releaseExported(exported);
  },
);

onWasm(
  "makeOnnxFile() stores weights in half of the bytes and computes nearly the same",
  async () => {
    const exported = exportedNetwork(segformer());
    const { bytes } = await makeOnnxFile(exported, {}, SIZE);
    const { bytes: half } = await makeOnnxFile(exported, { half: true }, SIZE);
    const matrixBytes = 4 * exported.network.parameters
      .filter(({ shape, name }) => shape.length > 1 && !name.includes("conv_seg"))
      .reduce((sum, { shape }) => sum + shape.reduce((all, side) => all * side, 1), 0);
    const saved = bytes.length - half.length;
    assert.ok(saved > 0.3 * matrixBytes, `${saved} bytes less of ${matrixBytes}`);
    await assertSameLogits(half, exported, undefined, 1e-2);
    await assert.rejects(
      assertSameLogits(half, exported, undefined, 1e-6),
      /largest error/,
    );
    releaseExported(exported);
  },
);

onWasm(
  "makeOnnxFile() writes classes, colors and normalization as metadata",
  async () => {
    const exported = exportedNetwork(segformer());
    for (const raw of [false, true]) {
      const { bytes } = await makeOnnxFile(exported, { raw }, SIZE);
      const text = new TextDecoder("latin1").decode(bytes);
      const { classes, normalization } = exported;
      for (
        const value of [
          classes.map(({ name }) => name),
          classes.map(({ color }) => color),
          { ...normalization, inside: !raw },
        ]
      ) assert.ok(text.includes(JSON.stringify(value)), JSON.stringify(value));
    }
    releaseExported(exported);
  },
);

onWebGpu("makeOnnxFile() exports a network that is on a GPU", async () => {
  const exported = exportedNetwork(segformer());
  const { bytes, size } = await makeOnnxFile(exported, {}, SIZE);
  assert.equal(size, null);
  if (HAS_ONNX_RUNTIME) await assertSameLogits(bytes, exported);
  releaseExported(exported);
});

onWasm("makeOnnxFile() takes a fixed size alone where one is given", async () => {
  for (const encoder of [TINY_ENCODERS.mit, TINY_ENCODERS.swin, TINY_ENCODERS.beit]) {
    const decoder = { name: "upernet", channels: 8, poolScales, dropout } as const;
    const exported = exportedNetwork(
      buildNetwork({ encoder, decoder, auxiliaryHead: null }, CLASSES),
    );
    const size = { height: 45, width: 61 };
    const file = await makeOnnxFile(exported, { size }, SIZE);
    assert.deepEqual([file.size, file.batch, file.notes], [size, null, []]);
    await assertSameLogits(file.bytes, exported, [[2, 45, 61], [1, 45, 61]]);
    await assert.rejects(
      assertSameLogits(file.bytes, exported, [[1, 64, 64]]),
      /dimension/,
    );
    releaseExported(exported);
  }
});

onWasm(
  "makeOnnxFile() says which images a BEiT cannot take, and its file refuses them",
  async () => {
    const exported = exportedNetwork(
      buildNetwork({
        encoder: TINY_ENCODERS.beit,
        decoder: { name: "deeplabv2", dilations },
        auxiliaryHead: null,
      }, CLASSES),
    );
    const { bytes, notes } = await makeOnnxFile(exported, {}, SIZE);
    assert.match(notes.join(), /images of every size: .* at most 64×64 pixels/);
    const session = await openOnnx(bytes);
    for (const [H, W] of [[64, 80], [80, 64]] as const) {
      const image = new Float32Array(3 * H * W);
      await assert.rejects(session.run(image, [1, 3, H, W]), /out of data bounds/);
    }
    releaseExported(exported);
  },
);

// A network of one convolution whose logits go through a function.
function tinyNetwork(change: (logits: tf.Tensor4D) => tf.Tensor4D): Network {
  const conv = convolution("conv", 3, CLASSES, { kernelSize: 3, padding: 1 });
  return encoderDecoder(
    {
      ...conv,
      strides: [1],
      channels: [CLASSES],
      apply: (weights, images, context) => [conv.apply(weights, images, context)],
    },
    { parameters: [], apply: (_, [map]) => change(map ?? assert.fail()) },
    CLASSES,
  );
}

onWasm("makeOnnxFile() takes operations of TensorFlow.js", async () => {
  const changes: Readonly<Record<string, (x: tf.Tensor4D) => tf.Tensor4D>> = {
    relu6: tf.relu6,
    "sigmoid of a difference": (x) => tf.sigmoid(tf.sub(x, tf.mean(x, [1, 2], true))),
    "norm over channels": (x) =>
      tf.div(x, tf.sqrt(tf.add(tf.sum(tf.square(x), 3, true), 1e-3))),
    "slices and stack": (x) => tf.stack(tf.split(x, CLASSES, 3), 4).squeeze([3]),
    "maximum and clip": (x) => tf.clipByValue(tf.maximum(x, tf.neg(x)), 0.2, 0.9),
    "product of matrices": (x) =>
      tf.reshape(
        tf.matMul(
          tf.reshape(x, [x.shape[0], -1, CLASSES]),
          tf.softmax(
            tf.matMul(
              tf.reshape(x, [x.shape[0], -1, CLASSES]),
              tf.reshape(x, [x.shape[0], -1, CLASSES]),
              true,
            ),
          ),
        ),
        x.shape,
      ),
    "depthwise convolution": (x) =>
      tf.depthwiseConv2d(
        x,
        tf.tensor4d([1, 2, 3, 4, 5, 6], [2, 1, CLASSES, 1]),
        1,
        "same",
      ),
    "bilinear there and back": (x) =>
      tf.image.resizeBilinear(tf.image.resizeBilinear(x, [9, 7], true), [
        x.shape[1],
        x.shape[2],
      ], true),
    "cast and clone": (x) => tf.relu(tf.clone(tf.cast(x, "float32"))),
    "mirrored": (x) => tf.reverse(x, [1, -1]),
    "rows of zeros": (x) =>
      tf.slice(tf.pad(x, [[0, 0], [1, 0], [0, 2], [0, 0]], 0.5), [0, 0, 0, 0], x.shape),
  };
  for (const [name, change] of Object.entries(changes)) {
    const exported = exportedNetwork(tinyNetwork(change));
    const { bytes, size } = await makeOnnxFile(exported, {}, SIZE);
    assert.equal(size, null, name);
    await assertSameLogits(bytes, exported, [[2, 37, 50]]);
    releaseExported(exported);
  }
});

onWasm("makeOnnxFile() takes tensors that were made before as constants", async () => {
  const [shift, matrix] = [
    randomTensor<tf.Rank.R1>([CLASSES]),
    randomTensor<tf.Rank.R2>([CLASSES, CLASSES]),
  ];
  const exported = exportedNetwork(
    tinyNetwork((x) =>
      tf.reshape(tf.matMul(tf.reshape(tf.add(x, shift), [-1, CLASSES]), matrix), x.shape)
    ),
  );
  const { bytes, size } = await makeOnnxFile(exported, {}, SIZE);
  assert.equal(size, null);
  await assertSameLogits(bytes, exported);
  tf.dispose([shift, matrix]);
  releaseExported(exported);
});

onWasm("makeOnnxFile() names a step that has no translation", async () => {
  const exported = exportedNetwork(tinyNetwork((x) => tf.leakyRelu(x)));
  await assert.rejects(
    makeOnnxFile(exported, {}, SIZE),
    /^Error: its step "LeakyRelu" has no translation to ONNX$/,
  );
  const stepped = exportedNetwork(tinyNetwork((x) => tf.step(x)));
  await assert.rejects(makeOnnxFile(stepped, {}, SIZE), /"Step"/);
  releaseExported(exported);
  releaseExported(stepped);
});

onWasm("makeOnnxFile() fixes what a network fixes, and says so", async () => {
  const rows = (H: number) => Float32Array.from({ length: H }, (_, i) => i / H);
  const positional = exportedNetwork(
    tinyNetwork((x) => tf.add(x, tf.tensor4d(rows(x.shape[1]), [1, x.shape[1], 1, 1]))),
  );
  const file = await makeOnnxFile(positional, {}, { height: 20, width: 24 });
  assert.deepEqual([file.size, file.batch], [{ height: 20, width: 24 }, null]);
  assert.match(file.notes.join(), /no graph for inputs of any size/);
  await assertSameLogits(file.bytes, positional, [[2, 20, 24]]);

  const oneByOne = exportedNetwork(
    tinyNetwork((x) => tf.stack(tf.unstack(x).map((one) => tf.relu(one))) as tf.Tensor4D),
  );
  await assert.rejects(makeOnnxFile(oneByOne, {}, SIZE), /"Unpack"/);

  const even = exportedNetwork(tinyNetwork((x) => {
    if (x.shape[1] % 2 + x.shape[2] % 2 > 0) throw new Error("odd");
    return x;
  }));
  const ofMultiples = await makeOnnxFile(even, {}, SIZE);
  assert.match(ofMultiples.notes.join(), /multiples of 32/);
  await assertSameLogits(ofMultiples.bytes, even, [[1, 32, 64]]);

  const broken = exportedNetwork(tinyNetwork((x) => tf.add(x, tf.zeros([1, 7, 1, 1]))));
  await assert.rejects(makeOnnxFile(broken, {}, SIZE), /could not be broadcast/);
  for (const one of [positional, oneByOne, even, broken]) releaseExported(one);
});
