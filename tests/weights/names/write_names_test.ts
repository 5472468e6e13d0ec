import assert from "node:assert/strict";
import type { HostTensor } from "../../../src/core/host_tensor.ts";
import { translateNames } from "../../../src/weights/names/translate_names.ts";
import { WRITABLE_NAMES, writeNames } from "../../../src/weights/names/write_names.ts";
import * as foreign from "./foreign_files.ts";
import {
  dinov2DptWeights,
  dinov2VfmUdaWeights,
  dinov2Weights,
  efficientnetWeights,
  swinWeights,
} from "./networks.ts";
import { type File, numbersOf } from "./own_weights.ts";

const CASES: Readonly<
  Record<
    typeof WRITABLE_NAMES[number],
    readonly [own: () => File, theirs: (own: File) => foreign.Foreign]
  >
> = {
  dinov2: [dinov2Weights, foreign.dinov2],
  "hf-dinov2": [
    dinov2Weights,
    (own) => {
      const { file, rest } = foreign.huggingFaceDinov2(own);
      const bare = [...file].filter(([name]) => !name.startsWith("classifier."))
        .map(([name, value]) => [name.replace(/^\w+\./, ""), value] as const);
      return { file: new Map(bare), rest };
    },
  ],
  "efficientnet-pytorch": [
    efficientnetWeights,
    (own) => {
      const { file, rest } = foreign.efficientnetLite(own);
      const head = /^_(conv_head|bn1|fc)\./;
      return { file: new Map([...file].filter(([name]) => !head.test(name))), rest };
    },
  ],
  "unimatch-v2": [dinov2DptWeights, foreign.unimatchV2],
  "vfm-uda": [dinov2VfmUdaWeights, (own) => {
    const { file, rest } = foreign.vfmUda(own);
    const token = own.get("backbone.mask_token") ?? assert.fail();
    file.set("token_masking.mask_token", token);
    return { file, rest };
  }],
};

const numbers = (tensors: ReadonlyMap<string, HostTensor>) =>
  Object.fromEntries(
    [...tensors].map(([name, value]) => [name, numbersOf(value)] as const)
      .sort(([a], [b]) => a < b ? -1 : 1),
  );

for (const names of WRITABLE_NAMES) {
  Deno.test(`writeNames() gives exactly the names and values of ${names}, and back`, () => {
    const [make, theirs] = CASES[names];
    const own = make();
    const written = writeNames(own, names, "out.pth");
    assert.deepEqual(numbers(written), numbers(theirs(own).file));
    assert.deepEqual(numbers(translateNames(written).tensors), numbers(own));
  });
}

Deno.test("writeNames() refuses a network that the code base does not have", () => {
  assert.throws(() => writeNames(dinov2DptWeights(), "hf-dinov2", "out.pth"), {
    name: "RangeError",
    message: 'Cannot write "out.pth" with the names of hf-dinov2, which has no ' +
      '"decode_head.projects.0.weight" and 61 more; take the encoder alone with the ' +
      'prefix "backbone.", or write the network with the names of its code',
  });
  assert.throws(() => writeNames(swinWeights(), "dinov2", "x"), /which has no "backbone/);
});
