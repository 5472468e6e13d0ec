import assert from "node:assert/strict";

const COMMAND = new URL("../../src/cli/command.ts", import.meta.url).href;

const PROGRAM = `
  import { runCommand } from "${COMMAND}";
  Deno.exit(await runCommand({
    name: "wait", description: "Waits", examples: ["wait"], arguments: {}, options: {},
    handlesInterrupt: true,
    async action({ signal, print }) {
      const { promise, resolve } = Promise.withResolvers();
      const timer = setTimeout(resolve, 20_000);
      signal.addEventListener("abort", resolve);
      print("ready");
      await promise;
      clearTimeout(timer);
      print("saved");
    },
  }, []));
`;

Deno.test({
  name: "Ctrl-C lets an action finish, then the status is 130",
  ignore: Deno.build.os === "windows", // no signals between processes
  async fn() {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", PROGRAM],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = child.stdout.pipeThrough(new TextDecoderStream());
    let text = "";
    for await (const part of output) {
      text += part;
      if (text === "ready\n") child.kill("SIGINT");
    }
    const error = await new Response(child.stderr).text();
    assert.equal((await child.status).code, 130);
    assert.equal(text, "ready\nsaved\n");
    assert.match(error, /Interrupted: finishing; press Ctrl-C again to stop at once/);
  },
});
