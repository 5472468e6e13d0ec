import assert from "node:assert/strict";
import { openHttpFile } from "../../../src/io/http_file.ts";
import { expandShardPattern, openSource } from "../../../src/data/source/open_source.ts";
import { tarOf, zipOf } from "../archives.ts";
import { complaint } from "../../support/error_text.ts";
import { type Behavior, withServer } from "../range_server.ts";

const bytes = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => (i * i + seed * 7) % 256);

const FILES = {
  "a.jpg": bytes(200_000, 1),
  "a.png": bytes(50, 2),
  "b.jpg": bytes(60, 3),
};
const SERVED = { "x.tar": tarOf(FILES), "x.zip": zipOf(FILES) };
const QUICK = { delays: [0.001, 0.004], timeout: 5 };

Deno.test("an archive on a server is read in parts, with less than all of it sent", async () => {
  await withServer(SERVED, async ({ url, sent }) => {
    for (const name of ["x.tar", "x.zip"]) {
      const before = sent();
      const { source } = await openSource({ root: `${url}/${name}?token=secret` });
      assert.deepEqual(await source.list(""), ["a.jpg", "a.png", "b.jpg"]);
      assert.deepEqual(await source.read("b.jpg"), FILES["b.jpg"]);
      assert.deepEqual(await source.read("a.png"), FILES["a.png"]);
      assert.ok(sent() - before < 120_000, `${sent() - before} bytes`);
      assert.deepEqual(await source.read("a.jpg"), FILES["a.jpg"]);
      assert.doesNotMatch(source.name, /secret/);
    }
  });
});

async function fails(behavior: Behavior): Promise<{ said: string; requests: number }> {
  let result = { said: "", requests: 0 };
  await withServer(SERVED, async ({ url, requests }) => {
    const open = async () => {
      const file = await openHttpFile(`${url}/x.tar`, QUICK);
      await file.withReader((read) => read(10, 100));
    };
    const said = (await complaint(url, open())).replace(/^Error: Cannot read "ROOT/, "");
    result = { said, requests: requests() };
  }, behavior);
  return result;
}

Deno.test("a server that fails for a while is asked again, one that fails for good named", async () => {
  const after = (n: number, how: ReturnType<Behavior>) => (request: number) =>
    request >= n ? how : "ok";
  const once = (how: ReturnType<Behavior>) => (request: number) =>
    request === 1 ? how : "ok";
  const whole = '/x.tar": the server sends whole files only, and parts of this one are ' +
    "needed: download it, or use a server that answers range requests";
  const cases: readonly [Behavior, said: string, requests: number][] = [
    [once("overloaded"), "no error", 3],
    [once("cut"), "no error", 3],
    [
      after(1, "overloaded"),
      '/x.tar": the server answers 503 Service Unavailable (after 3 tries): run again ' +
      "when it responds",
      4,
    ],
    [
      after(1, "cut"),
      '/x.tar": the server cut its answer short (after 3 tries): run again when it responds',
      4,
    ],
    [after(0, "whole"), whole, 1],
    [after(0, "gone"), '/x.tar": the server answers 404 Not Found', 1],
    [after(1, "other"), '/x.tar": the server sent a different range than requested', 2],
    [
      after(1, "changed"),
      '/x.tar": the server has changed the file since it was opened: start again',
      2,
    ],
  ];
  for (const [behavior, said, requests] of cases) {
    assert.deepEqual(await fails(behavior), { said, requests });
  }
});

Deno.test("a server that is not there is named", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const url = `http://127.0.0.1:${port}`;
  const said = await complaint(url, openHttpFile(`${url}/x.tar?key=secret`, QUICK));
  assert.match(
    said,
    /^Error: Cannot read "ROOT\/x\.tar": the server cannot be reached: .* \(after 3 tries\)/,
  );
  assert.doesNotMatch(said, /secret/);
});

Deno.test("expandShardPattern() writes ranges out", () => {
  assert.deepEqual(expandShardPattern("a.tar"), ["a.tar"]);
  assert.deepEqual(expandShardPattern("s-{000009..000011}.tar"), [
    "s-000009.tar",
    "s-000010.tar",
    "s-000011.tar",
  ]);
  assert.deepEqual(expandShardPattern("{0..1}/{8..9}"), ["0/8", "0/9", "1/8", "1/9"]);
  assert.throws(
    () => expandShardPattern("{3..1}.tar"),
    /"\{3\.\.1\}" must count upwards/,
  );
});

Deno.test("an address of another kind is refused", async () => {
  assert.equal(
    await complaint("ROOT", openSource({ root: "s3://bucket/x.tar" })),
    'RangeError: Cannot use the address "s3://bucket/x.tar": it must begin with https:// or http://',
  );
});
