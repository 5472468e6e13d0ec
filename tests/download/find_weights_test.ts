import assert from "node:assert/strict";
import { join } from "node:path";
import { fileNameForUrl } from "../../src/download/download.ts";
import { findWeights } from "../../src/download/find_weights.ts";
import { findRegistryEntry } from "../../src/download/registry.ts";
import { parseHttpUrl } from "../../src/io/http.ts";
import { inPlace } from "./download_folder.ts";
import { fileAnswer, someBytes, withServer } from "./file_server.ts";

const FILE = someBytes(10_000);

Deno.test("findWeights() takes a path as it is", () =>
  inPlace(async ({ folder, path }) => {
    await Deno.mkdir(folder);
    await Deno.writeFile(path, FILE);
    assert.equal(await findWeights(path, { folder: folder }), path);
    await assert.rejects(findWeights(`${path}x`, { folder: folder }), {
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
        const path = await findWeights(url, { folder: folder });
        assert.match(path.slice(folder.length + 1), /^[0-9a-f]{8}_net_\.pth$/);
        assert.deepEqual(await Deno.readFile(path), FILE);
        assert.equal(await findWeights(url, { folder: folder }), path);
        assert.equal(log.length, 1);
        assert.equal((await names()).length, 2);
      }),
  ));

Deno.test("findWeights() knows the names of the registry and takes what is there", () =>
  inPlace(async ({ folder }) => {
    const { fileName } = findRegistryEntry("fst-gta-r101");
    await Deno.mkdir(folder);
    await Deno.writeFile(join(folder, fileName), FILE);
    assert.equal(
      await findWeights("fst-gta-r101", { folder: folder }),
      join(folder, fileName),
    );
    await assert.rejects(findWeights("mit-b6", { folder: folder }), {
      name: "RangeError",
      message: 'Cannot find weights named "mit-b6": known are mit-b0, mit-b1, mit-b2, ' +
        "mit-b3, mit-b4, mit-b5",
    });
    await assert.rejects(
      findWeights("vgg", { folder: folder }),
      /known are mit-b0, .*beit-l/,
    );
    await assert.rejects(findWeights("ftp://host/x", { folder: folder }), {
      message:
        'Cannot use the address "ftp://host/x": it must begin with https:// or http://',
    });
  }));

Deno.test("fileNameForUrl() makes one harmless name for each address", () => {
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
    const url = parseHttpUrl(text);
    assert(url);
    return fileNameForUrl(url);
  });
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[0-9a-f]{8}_[A-Za-z0-9._-]{1,80}$/);
  assert.equal(parseHttpUrl("C:\\weights\\net.pth"), null);
  assert.equal(parseHttpUrl("weights/net.pth"), null);
});
