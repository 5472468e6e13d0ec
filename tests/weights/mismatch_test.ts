import assert from "node:assert/strict";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import { matchWeights, WeightsMismatchError } from "../../src/weights/mismatch.ts";

const tensor = (...shape: number[]): HostTensor => ({
  dtype: "F32",
  shape,
  bytes: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)),
});

const MODEL = new Map([
  ["backbone.conv.weight", [8, 3, 7, 7]],
  ["backbone.conv.bias", [8]],
  ["decode_head.conv_seg.weight", [11, 8, 1, 1]],
]);

const fit = () => new Map([...MODEL].map(([name, shape]) => [name, tensor(...shape)]));

Deno.test("matchWeights() takes what the model asks for, in the model's order", () => {
  const found = new Map([...fit()].reverse());
  const { tensors, missing, unexpected } = matchWeights(MODEL, found, "x");
  assert.deepEqual([...tensors.keys()], [...MODEL.keys()]);
  assert.deepEqual({ missing, unexpected }, { missing: [], unexpected: [] });
});

Deno.test("matchWeights() lists everything that does not fit, with both shapes", () => {
  const found = fit();
  found.delete("backbone.conv.bias");
  found.set("decode_head.conv_seg.weight", tensor(19, 8, 1, 1));
  found.set("head.weight", tensor(1000, 8));
  assert.throws(() => matchWeights(MODEL, found, "b0.safetensors"), (error) => {
    assert(error instanceof WeightsMismatchError);
    assert.deepEqual(error.missing, ["backbone.conv.bias"]);
    assert.deepEqual(error.unexpected, ["head.weight"]);
    assert.deepEqual(error.wrongShapes, [{
      name: "decode_head.conv_seg.weight",
      expected: [11, 8, 1, 1],
      found: [19, 8, 1, 1],
    }]);
    assert.equal(
      error.message,
      'Cannot load "b0.safetensors": it does not fit the model; was it saved by another ' +
        "network?\n  1 missing: backbone.conv.bias\n  1 unexpected: head.weight\n" +
        "  1 of another shape: decode_head.conv_seg.weight " +
        "(model [11, 8, 1, 1], file [19, 8, 1, 1])",
    );
    return true;
  });
});

Deno.test("matchWeights() leaves out what is tolerated and says so", () => {
  const found = fit();
  found.delete("decode_head.conv_seg.weight");
  found.set("head.weight", tensor(1000, 8));
  const { tensors, missing, unexpected } = matchWeights(MODEL, found, "x", {
    allowMissing: ["decode_head.*"],
    allowUnexpected: ["head.*"],
  });
  assert.equal(tensors.size, 2);
  assert.deepEqual(missing, ["decode_head.conv_seg.weight"]);
  assert.deepEqual(unexpected, ["head.weight"]);
});

Deno.test("matchWeights() reads dots of a pattern as dots", () => {
  const found = fit().set("decode_headXconv", tensor(1));
  assert.throws(
    () => matchWeights(MODEL, found, "x", { allowUnexpected: ["decode_head.*"] }),
    WeightsMismatchError,
  );
});
