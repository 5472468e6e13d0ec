import assert from "node:assert/strict";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { fcnHead, type FcnHeadOptions } from "../../src/models/fcn_head.ts";
import { upernetHead } from "../../src/models/upernet_head.ts";
import { onEachBackend } from "../support/mod.ts";

const WIDTHS = [8, 16, 32, 64];
const OPTIONS: FcnHeadOptions = {
  classes: 5,
  inIndex: 2,
  channels: 4,
  convolutions: 1,
  dropout: 0.1,
};

Deno.test("fcnHead() rejects a level beyond the maps of the encoder", () => {
  assert.throws(() => fcnHead("auxiliary_head", WIDTHS, { ...OPTIONS, inIndex: 4 }), {
    name: "RangeError",
    message: "Cannot build an FCN head on map 4: the encoder has maps 0 … 3; " +
      'set "inIndex" to one of them',
  });
});

Deno.test("fcnHead() requires a convolution", () => {
  assert.throws(
    () => fcnHead("auxiliary_head", WIDTHS, { ...OPTIONS, convolutions: 0 }),
    {
      name: "RangeError",
      message: 'Cannot build an FCN head: "convolutions" must be at least 1: received 0',
    },
  );
});

onEachBackend("fcnHead() and upernetHead() reject maps of another encoder", () => {
  const maps = [tf.zeros<tf.Rank.R4>([1, 2, 2, 8])];
  const { classes, channels, dropout } = OPTIONS;
  const heads = [
    fcnHead("auxiliary_head", WIDTHS, OPTIONS),
    upernetHead("decode_head", WIDTHS, {
      classes,
      channels,
      poolScales: [1, 2],
      dropout,
    }),
  ];
  for (const head of heads) {
    assert.throws(() => head.apply(new Map(), maps, EVAL_CONTEXT), {
      name: "RangeError",
      message: "Cannot decode 1 maps: the head was built for 4",
    });
  }
  tf.dispose(maps);
});
