import assert from "node:assert/strict";
import { join } from "node:path";
import { encodeJpeg } from "../../src/formats/image_codec.ts";
import { decodePng } from "../../src/formats/png.ts";
import { main } from "../../tasks/predict.ts";
import { main as train } from "../../tasks/train.ts";
import { tinyImage } from "../data/tiny_folder.ts";
import { assertRefused, call, tinyFile, WASM } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

Deno.test("predict labels pictures of any size, and never overwrites one", () =>
  inFolder(async (folder) => {
    const run = join(folder, "run");
    const { status } = await call(train, await tinyFile(folder), "--out", run, ...WASM);
    assert.equal(status, 0);
    const checkpoint = join(run, "last.safetensors");
    const path = (name: string) => join(folder, name);
    const photo = {
      width: 70,
      height: 41,
      data: new Uint8Array(70 * 41 * 3).fill(90),
    };
    await Deno.writeFile(path("photo.jpg"), await encodeJpeg(photo));
    await Deno.writeFile(path("dot.png"), tinyImage(7, 3, 1));
    const isFolder = await call(main, checkpoint, folder, ...WASM);
    assertRefused(isFolder, folder, "it is a folder; name a file in it");
    const flags = ["--teacher", "--student"];
    const torn = await call(main, checkpoint, path("dot.png"), ...flags, ...WASM);
    assertRefused(torn, "--teacher", "--student");
    await Deno.writeFile(path("broken.png"), tinyImage(7).subarray(0, 60));

    const images = [path("photo.jpg"), path("dot.png")];
    const both = await call(main, checkpoint, ...images, "--json", ...WASM);
    assert.equal(both.status, 0, both.error);
    assert.match(both.error, /^network +student after \d+ iterations$/m);
    assert.deepEqual(JSON.parse(both.out)[1], {
      image: path("dot.png"),
      labels: path("dot_labels.png"),
      overlay: path("dot_overlay.png"),
    });
    for (const [stem, width, height] of [["photo", 70, 41], ["dot", 3, 1]] as const) {
      const file = path(`${stem}_labels.png`);
      const labels = decodePng(await Deno.readFile(file), file);
      assert.deepEqual([labels.width, labels.height], [width, height]);
      assert(labels.palette !== null && labels.data.every((id) => id < 10));
    }

    // What was done before the failure stays; nothing is written for the culprit.
    const out = path("out");
    const three = [path("photo.jpg"), path("broken.png"), path("dot.png")];
    const failed = await call(main, checkpoint, ...three, "--out", out, ...WASM);
    assertRefused(failed, path("broken.png"));
    const written = await Array.fromAsync(Deno.readDir(out), ({ name }) => name);
    assert.deepEqual(written.sort(), ["photo_labels.png", "photo_overlay.png"]);

    const missing = await call(main, checkpoint, path("none.jpg"), ...WASM);
    assertRefused(missing, path("none.jpg"), "there is no such file");

    await Deno.writeFile(path("photo_labels.png"), tinyImage(1));
    const clash = [path("photo.jpg"), path("photo_labels.png")];
    assertRefused(
      await call(main, checkpoint, ...clash, ...WASM),
      "would overwrite an input",
    );
    const sameNames = [path("dot.png"), join(folder, "run", "..", "dot.png")];
    assertRefused(
      await call(main, checkpoint, ...sameNames, ...WASM),
      "would overwrite that",
    );
  }));
