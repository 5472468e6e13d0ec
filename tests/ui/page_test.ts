// The page in a real browser: it shows a run, grows with it, and outlives its server.
import assert from "node:assert/strict";
import { join } from "node:path";
import { serveDashboard } from "../../src/ui/server.ts";
import { CHROMIUM, type Page, withChromium } from "../support/chromium.ts";
import { inFolder } from "../support/files.ts";
import { evaluationLine, logLine, PIXEL, writeRun } from "./files_of_run.ts";

/** Waits until a part of the page has a text. */
const waitForText = (page: Page, selector: string, text: string | RegExp) =>
  page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: 20_000 });

/** How many pixels of the first chart are drawn in the color of the first curve. */
const curvePixels = (page: Page) =>
  page.evaluate(`(() => {
    const canvas = document.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let pixels = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] === 0 && data[i + 1] === 0x72 && data[i + 2] === 0xb2) pixels++;
    }
    return pixels;
  })()`) as Promise<number>;

Deno.test({
  name:
    "the page of a run grows, says when its server has gone, and goes on with the next",
  ignore: CHROMIUM === null,
  sanitizeOps: false, // of the browser's driver
  sanitizeResources: false,
  fn: () =>
    inFolder(async (root) => {
      const [a, b] = [await writeRun(root, "a"), await writeRun(root, "b")];
      const first = serveDashboard({ runs: [a] });
      const port = Number(new URL(first.url).port);
      await withChromium([], async (browser) => {
        const page = await browser.newPage();
        const problems: string[] = [];
        page.on("pageerror", ({ message }) => problems.push(message));
        page.on("request", (request) => {
          if (!request.url().startsWith(first.url)) problems.push(request.url());
        });
        page.on("console", (message) => {
          // The browser says itself that the server has gone.
          const isGone = /Failed to load resource|ERR_/.test(message.text());
          if (message.type() === "error" && !isGone) problems.push(message.text());
        });
        await page.goto(first.url);
        await waitForText(page, "#connection", "Live");
        await waitForText(page, "#runs", "20 of 30");
        for (
          const title of ["Losses", "mIoU", "Confident share", "Learning rate", "Memory"]
        ) {
          await waitForText(page, "#charts h2", title);
        }
        await waitForText(page, "#iou", "25.0 %");
        await waitForText(page, "#legend", "road");
        await page.locator("#pictures img").waitFor();
        const before = await curvePixels(page);

        await Deno.writeTextFile(join(a, "log.jsonl"), logLine(30, 2), { append: true });
        await Deno.writeTextFile(join(a, "evaluations.jsonl"), evaluationLine(30, 0.4), {
          append: true,
        });
        await Deno.writeFile(join(a, "pictures/000030.png"), PIXEL);
        await waitForText(page, "#runs", "30 of 30");
        await waitForText(page, "#iou", "+15.0");
        await waitForText(page, "#panels output", "30");
        assert(await curvePixels(page) > before);

        // The newest panel is left, and comes back by the keyboard.
        await page.keyboard.press("ArrowLeft");
        await waitForText(page, "#panels output", "20");
        await page.locator("#iteration").press("End");
        await waitForText(page, "#panels output", "30");

        await first.close();
        await waitForText(page, "#connection", "Not connected");
        await waitForText(page, "#runs", "30 of 30");

        const next = serveDashboard({ runs: [a, b], port });
        try {
          await waitForText(page, "#connection", "Live");
          await waitForText(page, "#charts h2", "Loss: source");
          await waitForText(page, "#charts .u-legend", /b\s*0\.05/);
        } finally {
          await next.close();
        }
        assert.deepEqual(problems, []);
      });
    }),
});
