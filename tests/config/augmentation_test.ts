import assert from "node:assert/strict";
import { example, problems } from "./example.ts";

Deno.test("crops are not augmented unless asked to, and then as torchvision does it", () => {
  assert.equal(example().data.augmentation, null);
  const none = { rotation: null, colorJitter: null, blur: null, randomErasing: null };
  assert.deepEqual(example("data.augmentation={}").data.augmentation, none);
  const { data } = example(
    "data.augmentation={rotation: {maxDegrees: 10}, colorJitter: {hue: 0.1}, blur: {}, " +
      "randomErasing: {}}",
  );
  assert.deepEqual(data.augmentation, {
    rotation: { maxDegrees: 10, probability: 1 },
    colorJitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0.1, probability: 1 },
    blur: { sigma: [0.1, 2], kernelSize: null, probability: 1 },
    randomErasing: {
      probability: 0.5,
      scale: [0.02, 0.33],
      ratio: [0.3, 3.3],
      label: "ignore",
    },
  });
});

Deno.test("augmentation has limits, each named by its key", () => {
  const refused = (text: string, problem: string) =>
    assert.throws(
      () => example(`data.augmentation={${text}}`),
      problems(`data.augmentation.${problem}`),
    );
  refused(
    "colorJitter: {}",
    'colorJitter: must change "brightness", "contrast", "saturation" or "hue": all are 0',
  );
  refused(
    "colorJitter: {hue: 0.6}",
    "colorJitter.hue: Too big: expected number to be <=0.5",
  );
  refused(
    "rotation: {maxDegrees: 0}",
    "rotation.maxDegrees: Too small: expected number to be >0",
  );
  refused("rotation: {}", "rotation.maxDegrees: is required");
  refused("blur: {kernelSize: 4}", "blur.kernelSize: must be odd: received 4");
  refused(
    "blur: {sigma: [2, 1]}",
    "blur.sigma: must be the least and the largest value, in this order: received [2,1]",
  );
  refused(
    "randomErasing: {scale: [0, 2]}",
    "randomErasing.scale.1: Too big: expected number to be <=1",
  );
  refused(
    "randomErasing: {label: drop}",
    'randomErasing.label: must be one of "ignore", "keep": received "drop"',
  );
});
