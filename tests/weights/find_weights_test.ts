import assert from "node:assert/strict";
import { join } from "node:path";
import { fileNameOf, webAddress } from "../../src/weights/file_name.ts";
import { findWeights } from "../../src/weights/find_weights.ts";
import { weightsNamed } from "../../src/weights/registry.ts";
import { inPlace } from "./download_folder.ts";
import { fileAnswer, someBytes, withServer } from "./file_server.ts";

const FILE = someBytes(10_000);

Deno.test("findWeights() takes a path as it is", () =>
  inPlace(async ({ folder, path }) => {
    await Deno.mkdir(folder);
    await Deno.writeFile(path, FILE);
    assert.equal(await findWeights(path, { to: folder }), path);
    await assert.rejects(findWeights(`${path}x`, { to: folder }), {
      name: "RangeError",
      message: `Cannot find weights at "${path}x": there is no such file`,
    });
  }));

Deno.test("findWeights() fetches an address once, under a name that no server chooses", () =>
  withServer(
    (asked) => {
      const { status, headers = {}, ...rest } = fileAnswer(asked, FILE);
      const evil = { "content-disposition": 'attachment; filename="../../evil.pth"' };
      return { status, headers: { ...headers, ...evil }, ...rest };
    },
    (base, log) =>
      inPlace(async ({ folder, names }) => {
        const url = `${base}/%2e%2e%2f..%5c/.net%00.pth?x=1`;
        const path = await findWeights(url, { to: folder });
        assert.match(path.slice(folder.length + 1), /^[0-9a-f]{8}_net_\.pth$/);
        assert.deepEqual(await Deno.readFile(path), FILE);
        assert.equal(await findWeights(url, { to: folder }), path);
        assert.equal(log.length, 1);
        assert.equal((await names()).length, 2);
      }),
  ));

Deno.test("findWeights() knows the names of the registry and takes what is there", () =>
  inPlace(async ({ folder }) => {
    const { file } = weightsNamed("fst-gta-r101");
    await Deno.mkdir(folder);
    await Deno.writeFile(join(folder, file), FILE);
    assert.equal(
      await findWeights("fst-gta-r101", { to: folder }),
      join(folder, file),
    );
    await assert.rejects(findWeights("mit-b6", { to: folder }), {
      name: "RangeError",
      message: 'Cannot find weights named "mit-b6": known are mit-b0, mit-b1, mit-b2, ' +
        "mit-b3, mit-b4, mit-b5",
    });
    await assert.rejects(
      findWeights("vgg", { to: folder }),
      /known are mit-b0, .*beit-l/,
    );
    await assert.rejects(findWeights("ftp://host/x", { to: folder }), {
      message:
        'Cannot use the address "ftp://host/x": it must begin with https:// or http://',
    });
  }));

Deno.test("fileNameOf() makes one harmless name for each address", () => {
  const names = [
    "https://h/a.pth",
    "https://h/b/a.pth",
    "https://h/a.pth?v=2",
    "https://h/",
    "https://h/%2e%2e/%2fetc%2fpasswd",
    "https://h/con",
    `https://h/${"x".repeat(500)}.pth`,
    "https://h/ü:*?.pth",
  ].map((text) => {
    const url = webAddress(text);
    assert(url);
    return fileNameOf(url);
  });
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[0-9a-f]{8}_[A-Za-z0-9._-]{1,80}$/);
  assert.equal(webAddress("C:\\weights\\net.pth"), null);
  assert.equal(webAddress("weights/net.pth"), null);
});
