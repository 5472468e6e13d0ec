// Whole networks, and heads that no whole network's golden has, against the references.
// The goldens of networks are not kept in this repository; without them the tests are
// reported as ignored.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { daformerHead } from "../../src/models/daformer_head.ts";
import { danetHead } from "../../src/models/danet_head.ts";
import { semiDeeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { isaHead } from "../../src/models/isa_head.ts";
import { segformerHead } from "../../src/models/segformer_head.ts";
import { assertVerifies, goldenPath, largeGoldenPath } from "../support/golden.ts";
import { onEachBackend } from "../support/mod.ts";

interface NetworkGolden {
  readonly golden: string;
  readonly network: string;
  /** The golden file has more tensors than this. */
  readonly moreThan: number;
  /** Ends of names, each of which a check must have. */
  readonly endings?: readonly string[];
}

const resnets = ["dlv2", "psp", "dlv3p", "daformer"].map((head): NetworkGolden => ({
  golden: `r50_${head}`,
  network: `ResNet-50 and ${head}`,
  moreThan: 300,
}));
const upernetEndings = ["aux_logits", "aux.loss_seg", "relative_position_index"];
const NETWORKS: readonly NetworkGolden[] = [
  ...resnets,
  {
    golden: "semi_r50_deeplabv3plus",
    network: "semi-supervised deeplabv3plus",
    moreThan: 300,
    endings: [
      "output/train/logits",
      "output/eval/rep",
      "output/eval/aux_logits",
      "output/train/aux_logits",
    ],
  },
  {
    golden: "semi_r50_psp",
    network: "semi-supervised psp",
    moreThan: 300,
    endings: ["output/train/logits"],
  },
  {
    golden: "beit_upernet",
    network: "beit_upernet",
    moreThan: 150,
    endings: ["neck3", ...upernetEndings],
  },
  {
    golden: "swin_upernet_fcn",
    network: "Swin, UPerHead and FCNHead",
    moreThan: 150,
    endings: ["feat3", ...upernetEndings],
  },
];

for (const { golden, network, moreThan, endings = [] } of NETWORKS) {
  const path = largeGoldenPath(`net_${golden}`);
  const name = `encoderDecoder() of ${network} equals the reference`;
  if (!existsSync(path)) {
    Deno.test.ignore(name, () => {});
    continue;
  }
  onEachBackend(name, async () => {
    const results = await assertVerifies(path);
    assert.ok(results.length > moreThan, "the whole golden file was compared");
    for (const ending of endings) {
      assert.ok(results.some(({ name }) => name.endsWith(ending)), ending);
    }
  });
}

const shape = { classes: 5, channels: 8 };
const variant = { classes: 3, channels: 3, dilations: [1, 2], dropout: 0 };
const WIDTHS = [2, 3, 4, 5];
const HEADS = [
  {
    golden: "segformer_fusion3",
    head: segformerHead("decode_head", WIDTHS, { ...variant, fusionKernelSize: 3 }, 2),
    checks: 20,
  },
  {
    golden: "daformer_pool",
    head: daformerHead("decode_head", WIDTHS, {
      ...variant,
      fusion: "separable-aspp",
      imagePool: true,
    }),
    checks: 44,
  },
  {
    golden: "semi_deeplabv3plus",
    head: semiDeeplabV3PlusHead("decoder", WIDTHS, {
      ...variant,
      innerPlanes: 2,
      representationHead: false,
    }),
    checks: 57,
  },
  {
    golden: "danet",
    head: danetHead("decode_head", [12, 16], { ...shape, pamChannels: 3, dropout: 0.5 }),
    checks: 44,
  },
  {
    golden: "isa",
    head: isaHead("decode_head", [12, 16], {
      ...shape,
      isaChannels: 6,
      downFactor: 4,
      dropout: 0.1,
    }),
    checks: 82,
  },
];

for (const { golden, head, checks } of HEADS) {
  const path = goldenPath(`head_${golden}`);

  onEachBackend(`the head ${golden} equals the reference`, async () => {
    assert.equal((await assertVerifies(path)).length, checks);
  });

  Deno.test(`the head ${golden} has the parameter names and order of the reference`, async () => {
    const { tensors } = JSON.parse(await Deno.readTextFile(path));
    const names = Object.keys(tensors).filter((key) => key.startsWith("weights/"));
    assert.deepEqual(head.parameters.map(({ name }) => `weights/${name}`), names);
  });
}
