import { agreement } from "../../src/objectives/agreement.ts";
import * as tf from "../../src/core/tf.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

const labels = (...ids: number[]) => tf.tensor3d(ids, [1, 1, ids.length], "int32");

onEachBackend("agreement() counts the pixels that either labels", async () => {
  await assertClose(
    agreement(labels(1, 2, 255, 255, 3), labels(1, 0, 255, 4, 3)),
    [2 / 4],
    1e-6,
  );
  await assertClose(agreement(labels(1, 2), labels(1, 2)), [1], 0);
  await assertClose(agreement(labels(1, 2), labels(0, 255)), [0], 0);
  await assertClose(agreement(labels(255, 255), labels(255, 255)), [1], 0);
});
