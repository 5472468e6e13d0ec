// The library as somebody else uses it: imported by URL, without this repository's
// configuration, from a program in another folder.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tinyRun } from "./support/tiny_run.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const CONFIG = tinyRun(3, "{ name: self-training, lookAhead: { depth: 1 } }");
const TRAINING = (url: string) =>
  `import { parseConfig, train } from "${url}/mod.ts";

const config = parseConfig(${JSON.stringify(CONFIG)}, "inline");
const { status, summary } = await train(config, { out: "run", backend: "wasm" });
console.log(status, summary?.iterations, Number.isFinite(summary?.evaluation.mIoU));
`;

const SHOWING = (url: string) =>
  `import { openDashboard } from "${url}/mod.ts";

const { url, close } = await openDashboard({ runs: ["run"] });
const paths = ["", "main.js", "uplot.js", "events"];
const answers = await Promise.all(paths.map((path) => fetch(url + path)));
console.log(...answers.map(({ status }) => status));
await Promise.all(answers.map(({ body }) => body?.cancel()));
await close();
`;

function serveRepository(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      try {
        const body = await Deno.readFile(join(ROOT, decodeURIComponent(pathname)));
        const type = pathname.endsWith(".ts") ? "application/typescript" : "text/plain";
        return new Response(body, { headers: { "content-type": type } });
      } catch {
        return new Response("not found", { status: 404 });
      }
    },
  );
}

/** Runs a program that imports mod.ts by URL, in a new folder. */
async function runElsewhere(
  programOf: (url: string) => string,
  check: (output: string, folder: string) => Promise<void> | void,
): Promise<void> {
  const server = serveRepository();
  const folder = await Deno.makeTempDir();
  try {
    const program = join(folder, "program.ts");
    await Deno.writeTextFile(program, programOf(`http://127.0.0.1:${server.addr.port}`));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--no-config", "--no-lock", program],
      cwd: folder,
    }).output();
    const text = new TextDecoder();
    assert.equal(code, 0, text.decode(stderr));
    await check(text.decode(stdout).trim(), folder);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("mod.ts, imported by URL by a program elsewhere, trains three iterations", () =>
  runElsewhere(TRAINING, async (output, folder) => {
    assert.equal(output, "finished 3 true");
    assert.ok((await Deno.stat(join(folder, "run", "last.safetensors"))).isFile);
  }));

Deno.test("mod.ts, imported by URL by a program elsewhere, shows the page of runs", () =>
  runElsewhere(SHOWING, (output) => assert.equal(output, "200 200 200 200")));
