// Networks of the caller's own: what cannot be exported is refused with a sentence, and
// nothing is written.
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  convolution,
  encoderDecoder,
  exportCustomNetwork,
  type Network,
  openBackend,
  type Tensor4D,
  tf,
} from "../../nn.ts";
import { exportedNetwork, releaseExported } from "../support/exported.ts";
import { inFolder, namesIn } from "../support/files.ts";

function network(change: (x: Tensor4D) => Tensor4D): Network {
  const conv = convolution("conv", 3, 2, { kernelSize: 1 });
  return encoderDecoder(
    {
      ...conv,
      strides: [1],
      channels: [2],
      apply: (weights, images, context) => [conv.apply(weights, images, context)],
    },
    { parameters: [], apply: (_, [map]) => change(map ?? assert.fail()) },
    2,
  );
}

Deno.test("exportCustomNetwork() refuses what it cannot write with a sentence", () =>
  inFolder(async (folder) => {
    await openBackend("wasm");
    const plain = exportedNetwork(network((x) => x));
    const leaky = exportedNetwork(network((x) => tf.leakyRelu(x)));
    const out = join(folder, "a.onnx");
    await assert.rejects(
      exportCustomNetwork(leaky, leaky.classes, out),
      /^RangeError: Cannot export ".*a\.onnx": its step "LeakyRelu" has no translation to ONNX; write it/,
    );
    await assert.rejects(
      exportCustomNetwork(plain, plain.classes.slice(1), out),
      /tells apart 2 classes and "classes" lists 1/,
    );
    await assert.rejects(
      exportCustomNetwork(plain, plain.classes, join(folder, "a.pb")),
      /must end with \.onnx/,
    );
    assert.deepEqual(await namesIn(folder), []);
    const { size, bytes, format } = await exportCustomNetwork(plain, plain.classes, out);
    assert.deepEqual([size, format], [null, "onnx"]);
    assert.equal((await Deno.stat(out)).size, bytes);
    await assert.rejects(
      exportCustomNetwork(plain, plain.classes, out),
      /there is such a file; .*--force/,
    );
    await exportCustomNetwork(plain, plain.classes, out, { force: true, half: true });
    for (const one of [plain, leaky]) releaseExported(one);
  }));
