// Parameter counts of the published Swin Transformers.
import assert from "node:assert/strict";
import { swin, SWIN_PRESETS, type SwinOptions } from "../../src/models/swin.ts";
import { trainableCount } from "../support/network_checks.ts";

const encoder = (name: keyof typeof SWIN_PRESETS, windowSize?: number) => {
  const shape: SwinOptions = { ...SWIN_PRESETS[name], dropPathRate: 0.3 };
  return swin("backbone", windowSize === undefined ? shape : { ...shape, windowSize });
};

// Classifiers of 1000 classes with windows of 7: "num_params" of torchvision's weights
// Swin_{T,S,B}_Weights.IMAGENET1K_V1, and timm's swin_large_patch4_window7_224.
const CLASSIFIERS: Record<keyof typeof SWIN_PRESETS, number> = {
  "swin-t": 28_288_354,
  "swin-s": 49_606_258,
  "swin-b": 87_768_224,
  "swin-l": 196_532_476,
};

for (const [name, published] of Object.entries(CLASSIFIERS)) {
  Deno.test(`swin() has the parameter count of the published ${name}`, () => {
    const { parameters, channels } = encoder(name as keyof typeof SWIN_PRESETS);
    const last = channels.at(-1) ?? 0;
    // A classifier has a matrix and one norm; an encoder has a norm for each map.
    const head = (last + 1) * 1000 + 2 * last;
    const norms = 2 * channels.reduce((sum, width) => sum + width, 0);
    assert.equal(trainableCount(parameters), published - head + norms);
  });
}

Deno.test("swin() has the parameter counts of the reference encoders", () => {
  assert.equal(trainableCount(encoder("swin-b", 12).parameters), 86_880_376);
  assert.equal(trainableCount(encoder("swin-l", 7).parameters), 194_998_164);
});

// The reference's network has 439 tensors: these, 43 of its heads and 39 running statistics.
Deno.test("swin() has the tensor count of the reference encoder", () => {
  const { parameters, derivedBuffers = [] } = encoder("swin-b", 12);
  assert.equal(parameters.length, 333);
  assert.equal(derivedBuffers.length, 24);
});
