// Nothing that a server says is believed.
import assert from "node:assert/strict";
import { openHttpFile } from "../../src/io/http_file.ts";

const QUICK = { delays: [], timeout: 5 };

/** Serves while `use` runs; gives it the port and the paths that were asked for. */
async function withAnswers(
  answer: (request: Request, port: number) => Response,
  use: (port: number, asked: readonly string[]) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(options, (request) => {
    const { hostname, pathname } = new URL(request.url);
    asked.push(hostname + pathname);
    return answer(request, server.addr.port);
  });
  try {
    await use(server.addr.port, asked);
  } finally {
    await server.shutdown();
  }
}

function rangeAnswer({ headers }: Request, body: (length: number) => BodyInit) {
  const [, start = "", end = ""] = /=(\d+)-(\d+)/.exec(headers.get("range") ?? "") ?? [];
  return new Response(body(Number(end) - Number(start) + 1), {
    status: 206,
    headers: { "content-range": `bytes ${start}-${end}/10240`, etag: '"x"' },
  });
}

const someBytes = (length: number) => new Uint8Array(length);

Deno.test("openHttpFile() receives no more than it has asked for", async () => {
  let sent = 0;
  const endless = () =>
    new ReadableStream({
      pull(controller) {
        sent += 1 << 16;
        controller.enqueue(new Uint8Array(1 << 16));
      },
    });
  await withAnswers(
    (request) =>
      rangeAnswer(request, (length) => length === 1 ? someBytes(1) : endless()),
    async (port) => {
      const file = await openHttpFile(`http://127.0.0.1:${port}/x.tar`, QUICK);
      await assert.rejects(file.withReader((read) => read(0, 5000)), {
        message: `Cannot read "http://127.0.0.1:${port}/x.tar": the server sends more ` +
          "than the 5000 bytes that were requested",
      });
      const before = sent;
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.ok(sent - before < 1 << 22, "the connection is closed");
    },
  );
});

Deno.test("openHttpFile() follows redirects within a host, and to no other", async () => {
  const redirect = (location: string) =>
    new Response("elsewhere", { status: 302, headers: { location } });
  const answer = (request: Request, port: number) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/near.tar") return redirect("/data/x.tar");
    if (pathname === "/far.tar") return redirect(`http://localhost:${port}/secret.tar`);
    if (pathname === "/loop.tar") return redirect("/loop.tar");
    if (pathname === "/odd.tar") return redirect("file:///etc/passwd");
    return rangeAnswer(request, someBytes);
  };
  await withAnswers(answer, async (port, asked) => {
    const open = (name: string) =>
      openHttpFile(`http://127.0.0.1:${port}/${name}`, QUICK);
    const near = await open("near.tar");
    assert.equal((await near.withReader((read) => read(5, 7))).length, 7);
    await assert.rejects(open("far.tar"), /redirects to another host, localhost, which/);
    await assert.rejects(open("loop.tar"), /the server redirects without an end/);
    await assert.rejects(open("odd.tar"), /redirects to another host/);
    assert.deepEqual(asked.filter((one) => !one.startsWith("127.0.0.1/")), []);
    assert.equal(asked.filter((one) => one.includes("loop")).length, 6);
  });
});
