import assert from "node:assert/strict";
import { lrasppHead } from "../../src/models/lraspp_head.ts";
import { trainableCount } from "../support/network_checks.ts";

Deno.test("lrasppHead() has the parameter count of torchvision's", () => {
  // Of its lraspp_mobilenet_v3_large: 3,221,538, of which 2,971,952 are MobileNetV3's.
  const options = { classes: 21, channels: 128, lowIndex: 0 };
  const { parameters } = lrasppHead("decode_head", [40, 960], options);
  assert.equal(trainableCount(parameters), 3_221_538 - 2_971_952);
});

Deno.test("lrasppHead() names the maps that there are", () => {
  for (const lowIndex of [2, 3, -1, NaN]) {
    assert.throws(
      () => lrasppHead("decode_head", [4, 8, 12], { classes: 2, channels: 3, lowIndex }),
      {
        name: "RangeError",
        message:
          `Cannot build an LR-ASPP head on map ${lowIndex}: the encoder has maps ` +
          '0 … 2; set "lowIndex" to one of them but the last',
      },
    );
  }
});
