/**
 * Takes the picture of the page in docs/watching.md:
 * `deno run -A tests/docs/dashboard_picture.ts runs/demo docs/images/dashboard.png`
 *
 * @module
 */
import { serveDashboard } from "../../src/ui/server.ts";
import { withChromium } from "../support/chromium.ts";

const [run = "runs/demo", file = "docs/images/dashboard.png"] = Deno.args;
const dashboard = serveDashboard({ runs: [run] });
await withChromium([], async (browser) => {
  const page = await browser.newPage({ viewport: { width: 1200, height: 1010 } });
  await page.goto(dashboard.url);
  await page.locator("#pictures img").waitFor();
  await page.screenshot({ path: file });
});
await dashboard.close();
