/** Pages in a real browser, Chromium. @module */
import { join } from "node:path";
import type { Browser, Page } from "npm:playwright-core@1.65.1";

export type { Browser, Page };

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** Where it is installed; null: nowhere. */
export const CHROMIUM: string | null = await findChromium();

async function findChromium(): Promise<string | null> {
  for (const path of PLACES) {
    if (await Deno.stat(path).then(() => true, () => false)) return path;
  }
  return null;
}

/** Lets Chromium compute WebGPU on the CPU. */
export const SOFTWARE_WEBGPU = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--use-vulkan=swiftshader",
  "--disable-vulkan-surface",
  "--ignore-gpu-blocklist",
] as const;

/** Gives a browser to `use`, and ends it. */
export async function withChromium(
  args: readonly string[],
  use: (browser: Browser) => Promise<void>,
): Promise<void> {
  const { chromium } = await import("npm:playwright-core@1.65.1"); // where it is of use
  const browser = await chromium.launch({
    executablePath: CHROMIUM ?? "",
    args: ["--no-sandbox", ...args], // its sandbox does not start as root
  });
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  html: "text/html; charset=utf-8",
  js: "text/javascript",
};

/**
 * Serves a folder at a loopback address while `use` runs, as any static server does.
 *
 * @param replaced Bodies that stand in place of files, by name; null: 404.
 */
export async function withServer(
  folder: string,
  use: (address: string) => Promise<void>,
  replaced: ReadonlyMap<string, string | null> = new Map(),
): Promise<void> {
  const answer = async ({ url }: Request) => {
    const { pathname } = new URL(url);
    const name = pathname === "/" ? "index.html" : pathname.slice(1);
    const headers = {
      "content-type": MEDIA_TYPES[name.split(".").at(-1) ?? ""] ??
        "application/octet-stream",
    };
    const body = replaced.has(name)
      ? replaced.get(name) ?? null
      : await Deno.readFile(join(folder, name)).catch(() => null);
    return body === null
      ? new Response("Not Found", { status: 404 })
      : new Response(body, { headers });
  };
  await using server = Deno.serve({ port: 0, onListen() {} }, answer);
  await use(`http://localhost:${server.addr.port}/`);
}
