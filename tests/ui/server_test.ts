// The page answers programs of this machine, and with nothing but the runs it was given.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDashboard } from "../../src/ui/dashboard.ts";
import type { RunChange } from "../../src/ui/run_watch.ts";
import { type Dashboard, serveDashboard } from "../../src/ui/server.ts";
import { main as ui } from "../../tasks/ui.ts";
import { assertRefused, call } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";
import { logLine, PIXEL, writeRun } from "./files_of_run.ts";

/** Serves a run named "run" while `use` works. */
const withPage = (use: (page: Dashboard, folder: string) => Promise<void>) =>
  inFolder(async (root) => {
    const folder = await writeRun(root, "run");
    const page = serveDashboard({ runs: [folder], port: freePort() });
    try {
      await use(page, folder);
    } finally {
      await page.close();
    }
  });

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Sends a request as it is, without what `fetch` would put right. */
async function ask(
  { url }: Dashboard,
  path: string,
  { host = "127.0.0.1", method = "GET" } = {},
): Promise<{ readonly status: number; readonly text: string }> {
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(url).port),
  });
  const hostLine = host === "" ? "" : `Host: ${host}\r\n`;
  const request = `${method} ${path} HTTP/1.1\r\n${hostLine}Connection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const text = await new Response(connection.readable).text();
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text };
}

/** The stream of events, one at a time. */
async function* eventsOf({ url }: Dashboard): AsyncGenerator<RunChange> {
  const { body } = await fetch(`${url}events`);
  let text = "";
  for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const messages = (text + part).split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) {
      const [, data] = /^data: (.*)$/m.exec(message) ?? [];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}

Deno.test("serveDashboard() serves the page, its modules and the panels of runs", () =>
  withPage(async (page) => {
    const { status, text } = await ask(page, "/");
    assert.equal(status, 200);
    const addresses = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)]
      .map(([, address = ""]) => address);
    assert.equal(addresses.length, 3);
    for (const address of addresses) {
      assert.equal((await ask(page, address)).status, 200, address);
    }
    // Every module that a module imports is served, and nothing comes from elsewhere.
    for (const script of ["main", "charts", "curves", "runs", "tables"]) {
      const module = (await ask(page, `/${script}.js`)).text;
      for (const [, target = ""] of module.matchAll(/from "([^"]+)"/g)) {
        assert.equal((await ask(page, target.replace("./", "/"))).status, 200, target);
      }
    }
    const picture = await fetch(`${page.url}runs/0/pictures/20.png`);
    assert.deepEqual(await picture.bytes(), PIXEL);
    assert.equal(picture.headers.get("content-type"), "image/png");
  }));

Deno.test("serveDashboard() loads nothing from the internet", async () => {
  const folder = fileURLToPath(new URL("../../src/ui/page/", import.meta.url));
  for await (const { name } of Deno.readDir(folder)) {
    const code = (await Deno.readTextFile(join(folder, name)))
      .replaceAll(/^\s*\*.*$/gm, "")
      .replaceAll("http://www.w3.org/2000/svg", "");
    assert.doesNotMatch(code, /https?:\/\/|["'(]\/\//, name);
  }
});

const LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "LOCALHOST:1234", "[::1]:8787"];

const FOREIGN_HOSTS = [
  "evil.example",
  "evil.example:8787",
  "127.0.0.1.evil.example",
  "localhost.evil.example",
  "127.0.0.1@evil.example",
  "192.168.0.1",
  "0.0.0.0",
  "[::]",
  "",
];

Deno.test("serveDashboard() answers loopback names only", () =>
  withPage(async (page) => {
    assert.equal(new URL(page.url).hostname, "127.0.0.1");
    for (const host of LOOPBACK_HOSTS) {
      assert.equal((await ask(page, "/", { host })).status, 200, host);
    }
    for (const host of FOREIGN_HOSTS) {
      for (const path of ["/", "/main.js", "/events", "/runs/0/pictures/20.png"]) {
        const { status } = await ask(page, path, { host });
        assert(status === 403 || status === 400, `${host}${path}: ${status}`);
      }
    }
    const { text } = await ask(page, "/", { host: "evil.example" });
    assert.match(text, /Cannot answer for the host "evil.example": use 127.0.0.1\n/);
  }));

Deno.test("serveDashboard() listens on no other address", () =>
  withPage(async ({ url }) => {
    const others = Deno.networkInterfaces()
      .filter(({ family, address }) => family === "IPv4" && !address.startsWith("127."));
    for (const { address: hostname } of others) {
      await assert.rejects(Deno.connect({ hostname, port: Number(new URL(url).port) }));
    }
    await assert.rejects(
      Deno.connect({ hostname: "127.0.0.2", port: Number(new URL(url).port) }),
    );
  }));

Deno.test("serveDashboard() serves no other file, however it is asked for", () =>
  withPage(async (page, folder) => {
    const secret = join(folder, "..", "secret.png");
    await Deno.writeTextFile(secret, "secret");
    await Deno.writeTextFile(join(folder, "pictures", "secret.png"), "secret");
    const paths = [
      "/config.yaml",
      "/page_files.ts",
      "/runs/0/config.yaml",
      "/runs/0/pictures/../../../secret.png",
      "/runs/0/pictures/..%2f..%2f..%2fsecret.png",
      "/runs/0/pictures/%2e%2e/%2e%2e/%2e%2e/secret.png",
      "/runs/0/pictures/%252e%252e%252fsecret.png",
      "/runs/0/pictures/..\\..\\..\\secret.png",
      "/runs/0/pictures/secret.png",
      "/runs/0/pictures/20.png/../../../../secret.png",
      "/runs/0/pictures/20.png%00.png",
      "/runs/1/pictures/20.png",
      "/runs/-1/pictures/20.png",
      `/runs/0/pictures/${secret}`,
      `/runs/0/pictures/${encodeURIComponent(secret)}`,
      `/${secret}`,
      `/..${secret}`,
      "//etc/passwd",
      "/%2fetc%2fpasswd",
      "/etc/passwd",
      "/./../../etc/passwd",
      `http://evil.example/${secret}`,
      `file://${secret}`,
    ];
    for (const path of paths) {
      const { status, text } = await ask(page, path);
      assert(status >= 400, `${path}: ${text}`);
      assert.doesNotMatch(text, /\r\n\r\n(secret|root:)/, path);
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"]) {
      assert.equal((await ask(page, "/", { method })).status, 405, method);
    }
  }));

Deno.test({
  name: "serveDashboard() follows no link out of the run's folder",
  ignore: Deno.build.os === "windows", // links need rights there
  fn: () =>
    withPage(async (page, folder) => {
      const outside = join(folder, "..", "outside");
      await Deno.mkdir(outside);
      await Deno.writeTextFile(join(outside, "000040.png"), "secret");
      await Deno.symlink(
        join(outside, "000040.png"),
        join(folder, "pictures/000040.png"),
      );
      assert.equal((await ask(page, "/runs/0/pictures/40.png")).status, 404);
      await Deno.rename(join(folder, "pictures"), join(folder, "old"));
      await Deno.symlink(outside, join(folder, "pictures"));
      assert.equal((await ask(page, "/runs/0/pictures/40.png")).status, 404);
      await Deno.remove(join(folder, "pictures"));
      await Deno.symlink(join(folder, "old"), join(folder, "pictures")); // stays inside
      assert.equal((await ask(page, "/runs/0/pictures/20.png")).status, 200);
    }),
});

Deno.test("serveDashboard() sends what is there, then what is new", () =>
  withPage(async (page, folder) => {
    const events = eventsOf(page);
    assert.deepEqual((await events.next()).value, { runs: 1 });
    assert.equal((await events.next()).value?.log?.lines.length, 2);
    await Deno.writeTextFile(join(folder, "log.jsonl"), logLine(30), { append: true });
    const { value } = await events.next();
    assert.deepEqual([value?.log?.from, value?.log?.lines[0]?.iteration], [2, 30]);
    await Deno.remove(folder, { recursive: true });
    assert.equal((await events.next()).value?.status, "gone");
    assert.equal((await ask(page, "/")).status, 200);
    await events.return(undefined);
  }));

Deno.test("serveDashboard() finds a run that a folder of runs gets later", () =>
  inFolder(async (root) => {
    const first = await writeRun(root, "a");
    const page = serveDashboard({ runs: [first], parents: [root], port: freePort() });
    const events = eventsOf(page);
    await events.next();
    assert.equal((await events.next()).value?.name, "a");
    await writeRun(root, "b");
    assert.equal((await events.next()).value?.name, "b");
    await events.return(undefined);
    await page.close();
  }));

Deno.test("serveDashboard() says that a port is in use, or takes the next one", () =>
  inFolder(async (root) => {
    const runs = [await writeRun(root, "run")];
    const port = freePort();
    const first = serveDashboard({ runs, port });
    const message =
      `Cannot serve the page on port ${port}: it is in use; choose another ` +
      "with --port";
    assert.throws(() => serveDashboard({ runs, port }), { message });
    assertRefused(await call(ui, ...runs, "--port", String(port)), message);
    await assert.rejects(openDashboard({ runs, port }), { message });
    await first.close();

    const [one, two] = [serveDashboard({ runs }), serveDashboard({ runs })];
    assert.notEqual(one.url, two.url);
    await Promise.all([one.close(), two.close()]);
  }));

Deno.test("openDashboard() serves from a thread, with its last news at the end", () =>
  inFolder(async (root) => {
    const folder = join(root, "run");
    const page = await openDashboard({ runs: [folder], port: freePort() });
    const events = eventsOf(page);
    await events.next();
    assert.equal((await events.next()).value?.status, "waiting");
    await writeRun(root, "run");
    await Deno.writeTextFile(join(folder, "summary.json"), "{}");
    const last = events.next();
    await page.close();
    assert.equal((await last).value?.status, "finished");
    assert.equal((await events.next()).done, true);
    await assert.rejects(fetch(page.url));
  }));
