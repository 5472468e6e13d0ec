/** A folder data set of drawn streets, for benchmarks without data. @module */
import { join } from "node:path";
import { displayRgb } from "../../src/formats/display_rgb.ts";
import { encodeJpeg } from "../../src/formats/image_codec.ts";
import { encodePng } from "../../src/formats/png.ts";
import { openEmbedded } from "../../src/data/embedded/embedded.ts";

/** As CamVid is published. */
const SIZE = { width: 960, height: 720 };
// Enough that nothing is read from one place only; drawing takes a second each.
const PICTURES = 16;

/** Writes pictures and labels into `ROOT/…/train`. */
export async function writeSyntheticFolder(root: string): Promise<void> {
  const images = join(root, "images", "train");
  const labels = join(root, "labels", "train");
  for (const folder of [images, labels]) await Deno.mkdir(folder, { recursive: true });
  const scenes = openEmbedded({
    kind: "embedded",
    domain: "worn", // its texture makes files as large as those of photographs
    images: PICTURES,
    size: SIZE,
    labeled: true,
  });
  for (let i = 0; i < PICTURES; i++) {
    const { image, channels, label } = await scenes.read(i);
    const picture = await encodeJpeg({ ...SIZE, data: displayRgb(image, channels) });
    await Deno.writeFile(join(images, `${i}.jpg`), picture);
    if (label === null) continue;
    const png = encodePng({ ...SIZE, channels: 1, data: label });
    await Deno.writeFile(join(labels, `${i}.png`), png);
  }
}
