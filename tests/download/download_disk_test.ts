import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assertArrived, entry, inPlace } from "./download_folder.ts";
import { fileAnswer, sha256, someBytes, stalling, withServer } from "./file_server.ts";
import { onTinyDisk, succeeds } from "../support/files.ts";

const FILE = someBytes(400_000);
const KNOWN = { sha256: sha256(FILE) };
const MODULE = fileURLToPath(new URL("../../src/download/download.ts", import.meta.url));

Deno.test({
  name: "download() says that the disk is full, and goes on when there is room",
  ignore: !await onTinyDisk(200, async () => {}),
  async fn() {
    await onTinyDisk(200, (to, grow) =>
      withServer(
        (asked) => fileAnswer(asked, FILE),
        (base, log) =>
          inPlace(async (place) => {
            const one = entry([`${base}/net.pth`, `${base}/second.pth`]);
            const path = join(to, "net.pth");
            await assert.rejects(place.get(one, { folder: to }), {
              message:
                `Cannot write "${path}.part": the disk is full; free some space and ` +
                "run again",
            });
            assert.equal(log.length, 1, "no other place helps a full disk");
            assert.equal(await Deno.stat(path).catch(() => null), null);
            assert(await grow(900));
            await place.get(one, { folder: to });
            assert.deepEqual(await Deno.readFile(path), FILE);
            assert.match(log.at(-1)?.headers.get("range") ?? "", /^bytes=[1-9]\d{4,5}-$/);
          }),
      ));
  },
});

/** A process that downloads; Linux lets it write so many bytes per file. */
function downloader(url: string, folder: string, limit?: number): Deno.ChildProcess {
  const program = `
    import { download } from ${JSON.stringify(MODULE)};
    try {
      await download({ url: ${JSON.stringify(url)} }, { folder: ${
    JSON.stringify(folder)
  }, retryDelays: [] });
    } catch (error) {
      console.error(error.message);
      Deno.exit(1);
    }`;
  const deno = [Deno.execPath(), "eval", "--no-check", program];
  // The signal ignored, so that the limit is an error of the write, as of a file system.
  const limited = [
    "-c",
    `trap "" XFSZ; exec prlimit --fsize=${limit} "$@"`,
    "sh",
    ...deno,
  ];
  const [command = "", ...args] = limit === undefined ? deno : ["sh", ...limited];
  return new Deno.Command(command, { args, stderr: "piped", env: { NO_COLOR: "1" } })
    .spawn();
}

Deno.test("download() goes on after its process was killed in the middle", () =>
  withServer(
    stalling(FILE, 150_000),
    (base, log) =>
      inPlace(async (place) => {
        const url = `${base}/net.pth`;
        const child = downloader(url, place.folder);
        let part = "";
        for (let i = 0; i < 400 && part === ""; i++) {
          await new Promise((done) => setTimeout(done, 25));
          const names = await place.names().catch(() => []);
          const name = names.find((one) => one.endsWith(".part"));
          if (name === undefined) continue;
          const { size } = await Deno.stat(join(place.folder, name));
          if (size === 150_000) part = name;
        }
        assert.notEqual(part, "", "the child has begun");

        await assert.rejects(place.get({ url }), { name: "DownloadInProgressError" });
        child.kill("SIGKILL");
        await child.stderr.cancel();
        await child.status;

        const { path } = await place.get({ url });
        await assertArrived({ path, names: place.names }, FILE);
        assert.equal(log.at(-1)?.headers.get("range"), "bytes=150000-");
      }),
  ));

Deno.test({
  name: "download() says when a file may not be so large",
  ignore: Deno.build.os !== "linux" || !await succeeds("prlimit", "--version"),
  async fn() {
    const limit = 20_000_000; // what Deno itself writes is smaller
    const large = someBytes(limit + 1_000_000);
    await withServer(
      (asked) => fileAnswer(asked, large),
      (base, log) =>
        inPlace(async (place) => {
          const url = `${base}/net.pth`;
          const { code, stderr } = await downloader(url, place.folder, limit).output();
          assert.equal(code, 1);
          assert.match(
            new TextDecoder().decode(stderr),
            /^Cannot write ".*\.part": (the file is larger|File too large)/,
          );
          assert(!(await place.names()).some((name) => name.endsWith(".pth")));
          const { sha256: got } = await place.get({ url });
          assert.equal(got, sha256(large));
          assert.equal(log.at(-1)?.headers.get("range"), `bytes=${limit}-`);
        }),
    );
  },
});

Deno.test("download() names a folder that cannot be", () =>
  inPlace(async (place) => {
    await Deno.writeTextFile(place.folder, "a file");
    await assert.rejects(
      place.get(entry(["http://127.0.0.1:1/x"], KNOWN)),
      /^Error: Cannot write ".*weights": /,
    );
  }));

Deno.test({
  name: "download() without the right to the network says what to run",
  permissions: { read: true, write: true, net: false },
  fn: () =>
    inPlace(async (place) => {
      await assert.rejects(place.get(entry(["https://example.org/net.pth"])), {
        message: 'Cannot download "net": this program may not use the network; run ' +
          '"deno task download net" first',
      });
    }),
});
