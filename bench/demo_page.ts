/**
 * The demo page of a checkpoint in Chromium: how long it takes until it is ready and shows
 * a first overlay, and how it looks.
 *
 *     deno run -A bench/demo_page.ts CHECKPOINT [PICTURE] [--webgpu] [--out FILE.png]
 *
 * Without a picture, a drawn scene in the style "clean" is labeled. `--webgpu` computes on
 * Chromium's own software adapter.
 *
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { displayRgb } from "../src/formats/display_rgb.ts";
import { encodePng } from "../src/formats/png.ts";
import { openDataSet } from "../src/data/open_data_set.ts";
import {
  type Page,
  SOFTWARE_WEBGPU,
  withChromium,
  withServer,
} from "../tests/support/chromium.ts";
import { makeDemoPage } from "../tools/page/make_page.ts";
import { median } from "./median.ts";

/** Pictures after the first, which compiles. */
const ROUNDS = 10;
const SCENE = { height: 384, width: 512 };
const TIMEOUT = 600_000;

async function writeScene(path: string): Promise<void> {
  const scenes = await openDataSet({
    kind: "embedded",
    domain: "clean",
    images: 1,
    firstScene: 3,
    size: SCENE,
    labeled: false,
  });
  const { image, height, width, channels } = await scenes.read(0);
  const data = displayRgb(image, channels);
  await Deno.writeFile(path, encodePng({ height, width, channels, data }));
}

/** Milliseconds of a mark since the page was asked for. */
async function waitForMark(page: Page, name: string): Promise<number> {
  await page.waitForFunction(`performance.getEntriesByName("${name}").length > 0`);
  return await page.evaluate(
    (name) => performance.getEntriesByName(name).at(-1)?.startTime ?? NaN,
    name,
  );
}

async function labelPicture(page: Page, picture: string): Promise<number> {
  await page.evaluate(() => performance.clearMarks());
  await page.setInputFiles("#file", picture);
  const end = await waitForMark(page, "fst-overlay");
  return end - await waitForMark(page, "fst-picture");
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { webgpu: { type: "boolean", default: false }, out: { type: "string" } },
});
const [checkpoint = "runs/demo/best.safetensors", given] = positionals;
const backend = values.webgpu ? "webgpu" : "wasm";
const folder = await Deno.makeTempDir();
try {
  const picture = given ?? join(folder, "scene.png");
  if (given === undefined) await writeScene(picture);
  const site = join(folder, "site");
  await makeDemoPage(checkpoint, site);
  await withChromium(
    values.webgpu ? SOFTWARE_WEBGPU : [],
    (browser) =>
      withServer(site, async (address) => {
        const page = await browser.newPage({ viewport: { width: 1120, height: 760 } });
        page.setDefaultTimeout(TIMEOUT);
        await page.goto(`${address}?backend=${backend}`);
        const ready = await waitForMark(page, "fst-ready");
        const first = await labelPicture(page, picture);
        const next: number[] = [];
        for (let i = 0; i < ROUNDS; i++) next.push(await labelPicture(page, picture));
        const rows = [
          ["backend", await page.innerText("#status")],
          ["page and network ready", `${Math.round(ready)} ms`],
          ["first overlay after that", `${Math.round(first)} ms`],
          [`the next ${ROUNDS}, median`, `${Math.round(median(next))} ms`],
          ["of it the network", await page.innerText("#time")],
        ];
        const text = rows.map(([name = "", value]) => `${name.padEnd(26)} ${value}\n`);
        await Deno.stdout.write(new TextEncoder().encode(text.join("")));
        if (values.out !== undefined) await page.screenshot({ path: values.out });
      }),
  );
} finally {
  await Deno.remove(folder, { recursive: true });
}
