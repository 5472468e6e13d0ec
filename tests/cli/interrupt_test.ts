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

/** One that says that it was asked to end, and does not. */
const DEAF_PROGRAM = PROGRAM.replace(
  'signal.addEventListener("abort", resolve)',
  'signal.addEventListener("abort", () => print("heard"))',
);

const CASES = [
  ["SIGINT", 130, /Interrupted: finishing; press Ctrl-C again to stop at once/],
  ["SIGTERM", 143, /Asked to end: finishing; a second signal stops at once/],
] as const;

for (const [signal, code, said] of CASES) {
  for (const times of [1, 2]) {
    Deno.test({
      name:
        `${signal} ${times === 1 ? "lets an action finish" : "twice ends it at once"}` +
        `, then the status is ${code}`,
      ignore: Deno.build.os === "windows", // no signals between processes
      async fn() {
        const child = new Deno.Command(Deno.execPath(), {
          args: ["eval", "--no-check", times === 1 ? PROGRAM : DEAF_PROGRAM],
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const reading = new Response(child.stderr).text();
        let text = "";
        for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
          text += part;
          if (/(ready|heard)\n$/.test(text)) child.kill(signal);
        }
        assert.equal((await child.status).code, code);
        assert.equal(text, times === 1 ? "ready\nsaved\n" : "ready\nheard\n");
        assert.match(await reading, said);
      },
    });
  }
}
