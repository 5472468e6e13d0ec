import assert from "node:assert/strict";
import { join } from "node:path";
import { vulkanFiles, xzFiles } from "../../tools/pack/system_files.ts";
import { main } from "../../tasks/pack.ts";
import { assertRefused, call } from "../support/commands.ts";
import { inFolder, namesIn } from "../support/files.ts";

const UNSHARE = "/usr/bin/unshare";

const isHere = (promise: Promise<unknown>) => promise.then(() => true, () => false);

/** Elsewhere a pack cannot be made. */
const ignore = Deno.build.target !== "x86_64-unknown-linux-gnu" ||
  !await isHere(xzFiles());

/** All that run.sh may expect of a machine. */
const TOOLS = ["dirname", "gzip", "ln", "ls", "mkdir", "mv", "rm", "sh", "tar", "uname"];

/** A folder with those programs and no other: not Deno, not xz. */
async function bareMachine(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  for (const tool of TOOLS) {
    for (const bin of ["/usr/bin", "/bin"]) {
      const isThere = await isHere(Deno.stat(join(bin, tool)));
      if (isThere) {
        await Deno.symlink(join(bin, tool), join(folder, tool)).catch(() => {});
      }
    }
  }
}

interface Offline {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a pack's script with an empty environment and, where allowed, no network. */
async function runOffline(
  script: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Offline> {
  const { success: mayUnshare } = await new Deno.Command(UNSHARE, {
    args: ["-n", "true"],
  }).output().catch(() => ({ success: false }));
  const [program = "", ...rest] = mayUnshare
    ? [UNSHARE, "-n", script, ...args]
    : [script, ...args];
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: rest,
    clearEnv: true,
    env,
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), error: text.decode(stderr) };
}

Deno.test({
  name: "pack makes less than 60 MB, from which doctor, train, eval and demo-page run",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      const out = join(folder, "carried");
      const withoutVulkan = await isHere(vulkanFiles()) ? [] : ["--without-vulkan"];
      const made = await call(
        main,
        ...["--out", out, "--level", "1", "--json", ...withoutVulkan],
      );
      assert.equal(made.status, 0, made.error);

      const pack = JSON.parse(made.out);
      const names = await namesIn(out);
      const archives = pack.archives.map(({ file }: { file: string }) => file);
      assert.deepEqual(names, [...archives, "pack.json", "run.sh"].sort());
      assert(archives.includes("deno.tar.xz") && archives.includes("fst.tar.xz"));
      let carried = 0;
      for (const name of names) carried += (await Deno.stat(join(out, name))).size;
      assert(carried <= 60e6, `${carried} bytes`);

      const [bin, home] = [join(folder, "bin"), join(folder, "home")];
      await bareMachine(bin);
      await Deno.mkdir(home);
      const env = { PATH: bin, HOME: home };
      const run = (...args: string[]) => runOffline(join(out, "run.sh"), args, env);

      const doctor = await run("doctor");
      assert.equal(doctor.code, 0, doctor.error);
      assert.match(doctor.error, /^unpacking into /);
      assert.match(doctor.out, /^codecs .* can be read$/m);
      assert.match(doctor.out, /^self-test on wasm$/m);

      const train = await run(
        ...["train", "configs/demo.yaml", "--iterations", "2", "--backend", "wasm"],
      );
      assert.equal(train.code, 0, train.error);
      assert.match(train.out, /^run {8}runs\/demo$/m);
      // Runs are beside the unpacked project: the next pack does not take them away.
      await Deno.stat(join(out, "unpacked", "runs", "demo", "last.safetensors"));

      const score = await run(
        ...["eval", "runs/demo/last.safetensors", "--backend", "wasm", "--json"],
      );
      assert.equal(score.code, 0, score.error);
      assert(Number.isFinite(JSON.parse(score.out).mIoU));

      // The bundler cannot be fetched here.
      const page = await run("demo-page", "runs/demo/last.safetensors");
      assert.equal(page.code, 0, page.error);
      await Deno.stat(join(out, "unpacked", "runs", "demo", "page", "fst.js"));
    }),
});

Deno.test({
  name: "pack leaves a folder with other files alone",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(join(folder, "thesis.tex"), "");
      assertRefused(await call(main, "--out", folder), folder, "--out");
      assert.deepEqual(await namesIn(folder), ["thesis.tex"]);
    }),
});

Deno.test({
  name: "pack refuses a level that xz does not have",
  ignore,
  async fn() {
    assertRefused(await call(main, "--level", "12"), "12", "0 to 9");
  },
});
