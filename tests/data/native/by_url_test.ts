// Imported by its address, from another folder, the project still finds its published splits.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFiles } from "../tiny_folder.ts";
import { vocFiles } from "./trees.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const LIST = "configs/splits/pascal/92/labeled.txt";

Deno.test("a published split is found by name where the project is imported by URL", async () => {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const path = decodeURIComponent(new URL(request.url).pathname);
      const body = await Deno.readFile(join(ROOT, path)).catch(() => null);
      const type = path.endsWith(".ts") ? "application/typescript" : "text/plain";
      return new Response(body, {
        status: body === null ? 404 : 200,
        headers: { "content-type": type },
      });
    },
  );
  const ids = (await Deno.readTextFile(join(ROOT, LIST))).trim().split("\n");
  const picture = Object.values(vocFiles("JPEG"))[0] ?? assert.fail();
  const files = Object.fromEntries(ids.map((id) => [`JPEGImages/${id}.jpg`, picture]));
  try {
    await withFiles(files, async (root) => {
      const spec = { kind: "native", set: "voc", root, list: "pascal/92/labeled" };
      const url = `http://127.0.0.1:${server.addr.port}/src/data/open_data_set.ts`;
      const program = join(root, "program.ts");
      await Deno.writeTextFile(
        program,
        `import { openDataSet } from "${url}";
        const set = await openDataSet(${JSON.stringify({ ...spec, labeled: false })});
        console.log(set.names.length);`,
      );
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "--no-config", "--no-lock", program],
        cwd: root,
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      assert.equal(new TextDecoder().decode(stdout).trim(), "92");
    });
  } finally {
    await server.shutdown();
  }
});
