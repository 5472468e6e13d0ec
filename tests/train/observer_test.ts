// What a run keeps for its observer is freed, whoever observes.
import assert from "node:assert/strict";
import { join } from "node:path";
import { openBackend } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { type Observer, train } from "../../src/train/train.ts";
import { tinyConfig } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

const OBSERVERS: Readonly<Record<string, Observer | undefined>> = {
  nobody: undefined,
  "an observer of nothing": {},
  "an observer of lines": { log() {}, iteration() {} },
  "an observer of panels": { panel() {} },
  "an observer of everything": {
    log() {},
    start() {},
    memory() {},
    iteration() {},
    evaluation() {},
    panel() {},
  },
};

for (const [who, observer] of Object.entries(OBSERVERS)) {
  Deno.test(`train() leaves no tensor behind where ${who} watches [wasm]`, () =>
    inFolder(async (folder) => {
      await openBackend("wasm");
      const before = tf.memory().numTensors;
      await train(
        tinyConfig(
          "method={name: self-training}",
          "iterations=3",
          "logging.imageInterval=1",
        ),
        { out: join(folder, "run"), backend: "wasm", ...observer && { observer } },
      );
      assert.equal(tf.memory().numTensors, before);
    }));
}

Deno.test("train() leaves no tensor behind where a watched iteration fails [wasm]", () =>
  inFolder(async (folder) => {
    await openBackend("wasm");
    const before = tf.memory().numTensors;
    const run = train(
      tinyConfig(
        "method={name: self-training}",
        "iterations=3",
        "logging.imageInterval=1",
      ),
      {
        out: join(folder, "run"),
        backend: "wasm",
        observer: {
          panel() {
            throw new Error("the disk is full");
          },
        },
      },
    );
    await assert.rejects(run, /the disk is full/);
    assert.equal(tf.memory().numTensors, before);
  }));
