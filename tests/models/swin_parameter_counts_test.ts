// Parameter counts of the published Swin Transformers.
import assert from "node:assert/strict";
import type { Parameter } from "../../src/core/network.ts";
import { swin, SWIN_PRESETS, type SwinShape } from "../../src/models/swin.ts";

const count = (parameters: readonly Parameter[]) =>
  parameters.filter(({ trained }) => trained)
    .reduce((sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1), 0);

const encoder = (name: keyof typeof SWIN_PRESETS, window?: number) => {
  const shape: SwinShape = { ...SWIN_PRESETS[name], dropPath: 0.3 };
  return swin("backbone", window === undefined ? shape : { ...shape, window });
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
  Deno.test(`swin() has the parameters of the published ${name}`, () => {
    const { parameters, widths } = encoder(name as keyof typeof SWIN_PRESETS);
    const last = widths.at(-1) ?? 0;
    // A classifier has a matrix and one norm; an encoder has a norm for each map.
    const head = (last + 1) * 1000 + 2 * last;
    const norms = 2 * widths.reduce((sum, width) => sum + width, 0);
    assert.equal(count(parameters), published - head + norms);
  });
}

Deno.test("swin() has as many parameters as the reference's encoders", () => {
  assert.equal(count(encoder("swin-b", 12).parameters), 86_880_376);
  assert.equal(count(encoder("swin-l", 7).parameters), 194_998_164);
});

// The reference's network has 439 tensors: these, 43 of its heads and 39 running statistics.
Deno.test("swin() has as many tensors as the reference's encoder", () => {
  const { parameters, constants = [] } = encoder("swin-b", 12);
  assert.equal(parameters.length, 333);
  assert.equal(constants.length, 24);
});
