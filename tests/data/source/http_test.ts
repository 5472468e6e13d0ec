import assert from "node:assert/strict";
import { httpFile } from "../../../src/data/source/http_file.ts";
import { openSource } from "../../../src/data/source/open_source.ts";
import { shardNames } from "../../../src/data/source/shard_names.ts";
import { tarOf, zipOf } from "../archives.ts";
import { complaint } from "../complaint.ts";
import { type Behaviour, withServer } from "../range_server.ts";

const bytes = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => (i * i + seed * 7) % 256);

const FILES = {
  "a.jpg": bytes(200_000, 1),
  "a.png": bytes(50, 2),
  "b.jpg": bytes(60, 3),
};
const SERVED = { "x.tar": tarOf(FILES), "x.zip": zipOf(FILES) };
const QUICK = { tries: 3, wait: 0.001, timeout: 5 };

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

async function fails(behaviour: Behaviour): Promise<{ said: string; requests: number }> {
  let result = { said: "", requests: 0 };
  await withServer(SERVED, async ({ url, requests }) => {
    const open = async () => {
      const file = await httpFile(`${url}/x.tar`, QUICK);
      await file.with((read) => read(10, 100));
    };
    const said = (await complaint(url, open())).replace(/^Error: Cannot read "ROOT/, "");
    result = { said, requests: requests() };
  }, behaviour);
  return result;
}

Deno.test("a server that fails for a while is asked again, one that fails for good named", async () => {
  const after = (n: number, how: ReturnType<Behaviour>) => (request: number) =>
    request >= n ? how : "ok";
  const once = (how: ReturnType<Behaviour>) => (request: number) =>
    request === 1 ? how : "ok";
  assert.deepEqual(await fails(once("overloaded")), { said: "no error", requests: 3 });
  assert.deepEqual(await fails(once("cut")), { said: "no error", requests: 3 });
  assert.deepEqual(await fails(after(1, "overloaded")), {
    said:
      '/x.tar": the server answers 503 Service Unavailable (3 tries): run again when ' +
      "it answers",
    requests: 4,
  });
  assert.deepEqual(await fails(after(1, "cut")), {
    said: '/x.tar": the answer was cut short (3 tries): run again when it answers',
    requests: 4,
  });
  assert.deepEqual(await fails(after(0, "whole")), {
    said:
      '/x.tar": the server sends whole files only, and parts of this one are needed: ' +
      "download it, or use a server that answers range requests",
    requests: 1,
  });
  assert.deepEqual(await fails(after(0, "gone")), {
    said: '/x.tar": the server answers 404 Not Found',
    requests: 1,
  });
  assert.deepEqual(await fails(after(1, "other")), {
    said: '/x.tar": the server answers with another part than it was asked for',
    requests: 2,
  });
  assert.deepEqual(await fails(after(1, "changed")), {
    said: '/x.tar": it has changed since it was opened: start again',
    requests: 2,
  });
});

Deno.test("a server that is not there is named", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const url = `http://127.0.0.1:${port}`;
  const said = await complaint(url, httpFile(`${url}/x.tar`, QUICK));
  assert.match(said, /^Error: Cannot read "ROOT\/x\.tar": .*\(3 tries\): run again when/);
});

Deno.test("shardNames() writes ranges out", () => {
  assert.deepEqual(shardNames("a.tar"), ["a.tar"]);
  assert.deepEqual(shardNames("s-{000009..000011}.tar"), [
    "s-000009.tar",
    "s-000010.tar",
    "s-000011.tar",
  ]);
  assert.deepEqual(shardNames("{0..1}/{8..9}"), ["0/8", "0/9", "1/8", "1/9"]);
  assert.throws(() => shardNames("{3..1}.tar"), /"\{3\.\.1\}" must count upwards/);
});

Deno.test("an address of another kind is refused", async () => {
  assert.equal(
    await complaint("ROOT", openSource({ root: "s3://bucket/x.tar" })),
    'RangeError: Cannot read "s3://bucket/x.tar": "s3:" is not "http:" or "https:"',
  );
});
