import assert from "node:assert/strict";
import { windowStarts } from "../../src/models/window_starts.ts";

Deno.test("windowStarts() covers a side and ends with it", () => {
  assert.deepEqual(windowStarts(1280, 640, 426), [0, 426, 640]);
  assert.deepEqual(windowStarts(100, 100, 50), [0]);
  assert.deepEqual(windowStarts(80, 100, 50), [0]);
  assert.deepEqual(windowStarts(101, 100, 50), [0, 1]);
});
