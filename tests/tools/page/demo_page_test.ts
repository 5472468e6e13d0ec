import assert from "node:assert/strict";
import { join } from "node:path";
import { loadNetwork } from "../../../src/evaluate/load_network.ts";
import { encodePng } from "../../../src/formats/png.ts";
import { loadCheckpoint } from "../../../src/weights/checkpoint_file.ts";
import { main as bundle } from "../../../tasks/bundle.ts";
import { main as demoPage } from "../../../tasks/demo_page.ts";
import {
  CHROMIUM,
  type Page,
  SOFTWARE_WEBGPU,
  withChromium,
  withServer,
} from "../../support/chromium.ts";
import { assertRefused, call } from "../../support/commands.ts";
import { inFolder, namesIn } from "../../support/files.ts";

const OLD_RUNS = join(import.meta.dirname ?? "", "../../golden/old_runs");
const CHECKPOINT = join(OLD_RUNS, "adaptation", "last.safetensors");
const SEMI_CHECKPOINT = join(OLD_RUNS, "semi", "last.safetensors");

/** A picture with gradients and blocks, of which the network finds several classes. */
function pattern(width: number, height: number) {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < data.length; i++) {
    const [channel, pixel] = [i % 3, Math.floor(i / 3)];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const block = ((x >> 3) * (y >> 3) * 37 * (channel + 1)) % 97;
    data[i] = 3 * x * (channel + 1) + 2 * y * (5 - channel) + block;
  }
  return { width, height, data };
}

const pngOf = (picture: ReturnType<typeof pattern>) =>
  encodePng({ ...picture, channels: 3 });

// What the page has come to: an error to read, or a mark of its progress.
async function waitFor(page: Page, mark: string): Promise<string> {
  await page.waitForFunction(
    `performance.getEntriesByName("${mark}").length > 0 || !error.hidden`,
  );
  const error = page.locator("#error");
  return await error.isVisible() ? await error.innerText() : "";
}

async function choose(page: Page, file: string): Promise<string> {
  await page.evaluate(() => performance.clearMarks());
  await page.setInputFiles("#file", file);
  return await waitFor(page, "fst-overlay");
}

/** The colors of the overlay. [H, W, 4] */
async function overlayOf(page: Page): Promise<Uint8Array> {
  const bytes = await page.evaluate(
    '[...overlay.getContext("2d").getImageData(0, 0, overlay.width, overlay.height).data]',
  );
  return Uint8Array.from(bytes as number[]);
}

/** Asserts that the page labels a picture as `predict` does, in 999 of 1000 pixels. */
async function assertSameLabels(page: Page, file: string): Promise<void> {
  const picture = pattern(96, 64);
  await Deno.writeFile(file, pngOf(picture));
  assert.equal(await choose(page, file), "");
  const overlay = await overlayOf(page);
  using network = await loadNetwork(CHECKPOINT, { backend: "wasm" });
  const labels = await network.predict(picture);
  assert(new Set(labels).size > 2);
  const different = labels.filter((id, i) => {
    const color = network.classes[id]?.color ?? [];
    return color.some((value, c) => overlay[4 * i + c] !== value);
  });
  assert(different.length <= 0.001 * labels.length, `${different.length} pixels differ`);
}

Deno.test("demo-page writes a page without folders of this machine", () =>
  inFolder(async (folder) => {
    const out = join(folder, "site");
    const made = await call(demoPage, SEMI_CHECKPOINT, "--out", out);
    assert.equal(made.status, 0, made.error);
    assert.match(made.out, /^network\.safetensors +[\d.]+ kB +[\d.]+ kB$/m);
    assert.match(made.out, /^all +[\d.]+ MB +\d+ kB$/m);
    assert.deepEqual(await namesIn(out), [
      "fst.js",
      "index.html",
      "network.safetensors",
      "page.js",
      "style.css",
      "worker.js",
    ]);
    const file = join(out, "network.safetensors");
    const { tensors, metadata } = await loadCheckpoint(file);
    const whole = await loadCheckpoint(SEMI_CHECKPOINT);
    assert(tensors.size < whole.tensors.size / 2, "the teacher alone");
    using network = await loadNetwork(file, { backend: "wasm" });
    assert.equal(network.role, "teacher");
    assert.doesNotMatch(JSON.stringify(metadata.config), /"(?:root|listFolder)":"/);
    const script = await Deno.readTextFile(join(out, "fst.js"));
    assert.doesNotMatch(script, /\bDeno\.\w+\(|["']node:/);

    const notes = join(folder, "notes.txt");
    await Deno.writeTextFile(notes, "hello");
    assertRefused(await call(demoPage, notes), notes, "fewer than any safetensors file");
    const blocked = await call(demoPage, CHECKPOINT, "--out", notes);
    assert.equal(blocked.status, 1);
    assert.match(blocked.error, /Cannot write ".*notes\.txt": there is a file where a /);
    assertRefused(await call(bundle, notes), notes, ".js");
  }));

Deno.test({
  name: "the demo page labels a picture as predict does, and says what is wrong",
  ignore: CHROMIUM === null,
  fn: (context) =>
    inFolder(async (folder) => {
      const site = join(folder, "site");
      assert.equal((await call(demoPage, CHECKPOINT, "--out", site)).status, 0);
      await withChromium([], async (browser) => {
        const page = await browser.newPage();
        await withServer(site, (address) => checkPage(context, page, address, folder));
        await withServer(site, async (address) => {
          await context.step("a GPU that cannot be opened", async () => {
            await page.goto(address);
            assert.equal(await waitFor(page, "fst-ready"), "");
            assert.equal(
              await page.innerText("#status"),
              "WebAssembly: WebGPU could not be used: no device.",
            );
          });
        }, new Map([["worker.js", await brokenGpu(join(site, "worker.js"))]]));
        await withServer(site, async (address) => {
          await context.step("a GPU that fails at a picture", async () => {
            await page.goto(address);
            assert.equal(await choose(page, join(folder, "pattern.png")), "");
            assert.equal(
              await page.innerText("#status"),
              "CPU: WebGPU failed: device lost.",
            );
          });
        }, new Map([["fst.js", FAILING_LIBRARY]]));
        for (const [name, body, expected] of BROKEN_FILES) {
          await context.step(`"${name}" is ${body ?? "missing"}`, () =>
            withServer(site, async (address) => {
              await page.goto(address);
              assert.match(await waitFor(page, "fst-ready"), expected);
            }, new Map([[name, body]])));
        }
      });
    }),
});

/** The worker where the GPU has an adapter and no device. */
const brokenGpu = async (worker: string) => `
  const adapter = {
    info: { description: "GPU of a test" },
    limits: {},
    features: new Set(),
    requestDevice: () => Promise.reject(new Error("no device")),
  };
  Object.defineProperty(navigator, "gpu", { value: { requestAdapter: () => adapter } });
  ${await Deno.readTextFile(worker)}`;

/** A library whose GPU loses its device. */
const FAILING_LIBRARY = `
  const pixels = { width: 2, height: 2, data: new Uint8Array(12) };
  export const pictureFrom = async () => ({ ...pixels, originalSize: pixels });
  export const networkFrom = async (_bytes, { backend }) => ({
    classes: [{ name: "road", color: [1, 2, 3] }],
    iteration: 1,
    role: "student",
    backend: backend === "wasm"
      ? { name: "wasm", adapter: "CPU", reason: "as requested" }
      : { name: "webgpu", adapter: "GPU", reason: "a GPU was found" },
    async predict() {
      if (backend !== "wasm") throw new Error("device lost");
      return new Uint8Array(4);
    },
  });`;

const BROKEN_FILES: readonly (readonly [string, string | null, RegExp])[] = [
  ["network.safetensors", null, /^Cannot load "network.safetensors": .* 404; /],
  ["network.safetensors", "<html>", /^Cannot read "network.safetensors": it has 6 /],
  ["fst.js", null, /^Cannot load "fst.js": /],
  ["worker.js", null, /^Cannot start "worker.js": /],
];

async function checkPage(
  { step }: Deno.TestContext,
  page: Page,
  address: string,
  folder: string,
): Promise<void> {
  const file = (name: string) => join(folder, name);
  await step("without WebGPU it uses WebAssembly and says so", async () => {
    await page.goto(address);
    assert.equal(await waitFor(page, "fst-ready"), "");
    assert.match(
      await page.innerText("#status"),
      /^WebAssembly: no WebGPU adapter was found/,
    );
    assert.equal(await page.locator("#legend li").count(), 10);
  });
  await step(
    "labels are those of predict",
    () => assertSameLabels(page, file("pattern.png")),
  );
  await step("a file that is no picture", async () => {
    await Deno.writeTextFile(file("notes.txt"), "hello");
    const error = await choose(page, file("notes.txt"));
    assert.match(error, /^Cannot read "notes.txt" as an image: /);
  });
  await step("a picture that is too large", async () => {
    await Deno.writeFile(file("wide.png"), pngOf(pattern(2100, 1000)));
    const error = await choose(page, file("wide.png"));
    assert.match(
      error,
      /^Cannot label "wide.png": it has 2100×1000 pixels and the limit is 2.1 /,
    );
    assert(await page.isVisible("#error-action"));
    assert.equal(await choose(page, file("pattern.png")), "");
  });
  await step("WebGPU that is not there", async () => {
    await page.goto(`${address}?backend=webgpu`);
    assert.match(await waitFor(page, "fst-ready"), /^Cannot use WebGPU: no adapter/);
  });
}

Deno.test({
  name: "the demo page labels a picture as predict does, on software WebGPU",
  ignore: CHROMIUM === null,
  fn: () =>
    inFolder(async (folder) => {
      const site = join(folder, "site");
      assert.equal((await call(demoPage, CHECKPOINT, "--out", site)).status, 0);
      await withChromium(SOFTWARE_WEBGPU, (browser) =>
        withServer(site, async (address) => {
          const page = await browser.newPage();
          page.setDefaultTimeout(120_000); // shaders are compiled on the CPU
          await page.goto(address);
          assert.equal(await waitFor(page, "fst-ready"), "");
          assert.equal(
            await page.innerText("#status"),
            "WebAssembly: the only WebGPU adapter is a software driver.",
          );
          await page.goto(`${address}?backend=webgpu`);
          assert.equal(await waitFor(page, "fst-ready"), "");
          assert.match(await page.innerText("#status"), /^WebGPU on /);
          await assertSameLabels(page, join(folder, "pattern.png"));
        }));
    }),
});
