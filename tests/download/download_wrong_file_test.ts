import assert from "node:assert/strict";
import { join } from "node:path";
import { readChecksums, recordChecksum } from "../../src/download/checksum.ts";
import { assertArrived, entry, inPlace } from "./download_folder.ts";
import {
  type Answer,
  fileAnswer,
  fileAt,
  sha256,
  someBytes,
  withServer,
} from "./file_server.ts";

const FILE = someBytes(100_000);
const OTHER = someBytes(100_000, 7);
const KNOWN = { sha256: sha256(FILE) };

Deno.test("download() leaves no wrong file behind and goes to the next place", async () => {
  const page = new TextEncoder().encode(
    "\n<!DOCTYPE html><html><title>Quota exceeded</title></html>",
  );
  const pointer = new TextEncoder().encode(
    "version https://git-lfs.github.com/spec/v1\n",
  );
  const long = (bytes: Uint8Array, more = {}) => ({
    status: "200 OK",
    headers: { "content-length": bytes.length, ...more },
    body: bytes,
  });
  const wrong: Readonly<Record<string, readonly [Answer, RegExp]>> = {
    "another file": [long(OTHER), /^has another file: its SHA-256 is [0-9a-f]{64} inst/],
    "a cut-off file": [
      long(FILE.subarray(0, 99_999)),
      /^has another file: its SHA-256 is/,
    ],
    "a length that is too short": [
      { ...long(FILE), headers: { "content-length": 50_000 } },
      /^has another file: its SHA-256/,
    ],
    "a length that is too long": [
      { ...long(FILE), headers: { "content-length": 200_000 } },
      /\(after 5 tries\)$/,
    ],
    "a page": [
      long(page, { "content-type": "text/html; charset=utf-8" }),
      /^answers with a web page instead of the file$/,
    ],
    "a page that does not say so": [
      long(page, { "content-type": "application/octet-stream" }),
      /^answers with a web page instead of the file$/,
    ],
    "a pointer": [long(pointer), /^answers with a Git LFS pointer instead of the file$/],
    "nothing": [long(new Uint8Array()), /^answers with an empty file$/],
    "an absent file": [{ status: "404 Not Found" }, /^answers 404 Not Found$/],
    "a forbidden file": [{ status: "403 Forbidden" }, /^answers 403 Forbidden$/],
    "a server that fails": [
      { status: "500 Internal Server Error" },
      /^answers 500 Internal Server Error \(after 5 tries\)$/,
    ],
    "a range that nobody asked for": [
      {
        status: "206 Partial Content",
        headers: { "content-range": "bytes 5-9/10" },
        body: FILE.subarray(5, 10),
      },
      /^answers with a range that was not requested$/,
    ],
    "416": [{ status: "416 Range Not Satisfiable" }, /^answers 416 /],
  };
  for (const [name, [answer, reason]] of Object.entries(wrong)) {
    await withServer(
      (asked) => asked.path.startsWith("/bad") ? answer : fileAnswer(asked, FILE),
      (base) =>
        inPlace(async (place) => {
          await assert.rejects(
            place.get(entry([`${base}/bad`], KNOWN)),
            /^Error: Cannot/,
          );
          const left = await place.names();
          assert(!left.includes("net.pth"), `${name}: it has the final name`);

          await place.get(entry([`${base}/bad`, `${base}/good`], KNOWN));
          await assertArrived(place, FILE);
          const failed = place.events.findLast(({ kind }) => kind === "failed");
          assert(failed?.kind === "failed", name);
          assert.match(failed.reason, reason, name);
        }),
    );
  }
});

Deno.test("download() compares the size where the registry knows it", () =>
  withServer(
    (asked) => fileAnswer(asked, FILE),
    (base) =>
      inPlace(async (place) => {
        await assert.rejects(place.get(entry([`${base}/x`], { bytes: 5 })), {
          message:
            `Cannot download "net": ${base}/x has a file of 100000 bytes instead ` +
            "of 5",
        });
        assert.deepEqual(await place.names(), []);
      }),
  ));

Deno.test("download() receives no more than a file of its size can have", () =>
  withServer(
    ({ path }) => ({
      status: "200 OK",
      headers: path === "/says" ? { "content-length": 9_000_000 } : {},
      body: new Uint8Array(9_000_000),
    }),
    (base) =>
      inPlace(async (place) => {
        const known = { ...KNOWN, megabytes: 1 };
        await assert.rejects(place.get(entry([`${base}/says`], known)), {
          message: `Cannot download "net": ${base}/says has a file of 9000000 bytes, ` +
            "and at most 2000000 were expected",
        });
        await assert.rejects(place.get(entry([`${base}/silent`], known)), {
          message: `Cannot download "net": ${base}/silent sends more than the 2000000 ` +
            "bytes that were expected",
        });
        assert.deepEqual(await place.names(), []);
      }),
  ));

Deno.test("download() follows no redirect out of encryption without a checksum", () =>
  inPlace(async (place) => {
    const redirected = () => {
      const headers = { "content-length": String(FILE.length) };
      const response = new Response(FILE, { headers });
      Object.defineProperty(response, "url", { value: "http://elsewhere/net.pth" });
      return Promise.resolve(response);
    };
    const options = { fetch: redirected as typeof fetch };
    const url = "https://host/net.pth";
    await assert.rejects(place.get(entry([url]), options), {
      message:
        `Cannot download "net": ${url} redirects to an address that is not encrypted`,
    });
    await place.get(entry([url], KNOWN), options);
    await assertArrived(place, FILE);
  }));

Deno.test("recordChecksum() keeps what others record at the same time", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const names = Array.from({ length: 12 }, (_, i) => `file${i}`).sort();
    const digest = { bytes: 1, sha256: KNOWN.sha256, source: null };
    await Promise.all(names.map((name) => recordChecksum(folder, name, digest)));
    assert.deepEqual([...(await readChecksums(folder)).keys()], names);
    const left = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assert.deepEqual(left, ["checksums.json"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("download() checks the digits at the end of a file's name", () =>
  withServer(
    (asked) => fileAnswer(asked, FILE),
    (base) =>
      inPlace(async (place) => {
        const prefix = KNOWN.sha256.slice(0, 8);
        await place.get(entry([`${base}/x`], { sha256Prefix: prefix }));
        await assertArrived(place, FILE);
        await assert.rejects(
          place.get(entry([`${base}/x`], { fileName: "y", sha256Prefix: "00000000" })),
          {
            message: `Cannot download "net": ${base}/x has another file: its SHA-256 ` +
              `is ${KNOWN.sha256}, which does not begin with 00000000`,
          },
        );
      }),
  ));

Deno.test("download() trusts the first file and checks every later one against it", () => {
  let served = FILE;
  return withServer(
    (asked) => fileAnswer(asked, served),
    (base) =>
      inPlace(async (place) => {
        const one = entry([`${base}/x`]);
        await place.get(one);
        const path = join(place.folder, "checksums.json");
        const book = JSON.parse(await Deno.readTextFile(path));
        assert.deepEqual(book, {
          "net.pth": { bytes: FILE.length, sha256: KNOWN.sha256, source: `${base}/x` },
        });

        await Deno.remove(place.path);
        served = OTHER;
        await assert.rejects(place.get(one), {
          message: `Cannot download "net": ${base}/x has another file: its SHA-256 is ` +
            `${sha256(OTHER)} and was ${KNOWN.sha256} when it first came; remove its ` +
            `record from "${path}" if the publisher changed it`,
        });
        served = FILE;
        await place.get(one);
        await assertArrived(place, FILE);
      }),
  );
});

Deno.test("download() moves a damaged file out of the way, and fetches it again", () =>
  withServer(
    (asked) => fileAnswer(asked, FILE),
    (base) =>
      inPlace(async (place) => {
        const one = entry([`${base}/x`], KNOWN);
        await place.get(one);
        await Deno.writeFile(place.path, OTHER);
        await place.get(one);
        assert.deepEqual(await Deno.readFile(place.path), FILE);
        assert.deepEqual(await Deno.readFile(`${place.path}.rejected`), OTHER);
        assert(place.events.some(({ kind }) => kind === "rejected"));
      }),
  ));

Deno.test("download() uses a file that somebody has put there, if it is right", () =>
  inPlace(async (place) => {
    const one = entry([], {
      ...KNOWN,
      sources: [{ page: "https://drive.google.com/x", instruction: "press Download" }],
    });
    await assert.rejects(place.get(one), {
      name: "ManualDownloadError",
      message:
        'Cannot download "net" without a person: open https://drive.google.com/x ' +
        `and press Download, save the file as "${place.path}" and run again`,
    });
    await Deno.writeFile(place.path, OTHER);
    await assert.rejects(place.get(one), { name: "ManualDownloadError" });
    await Deno.writeFile(place.path, FILE);
    assert.equal((await place.get(one)).status, "already present");
  }));

Deno.test("download() does not guess where a checksum record is damaged", () =>
  inPlace(async (place) => {
    await Deno.mkdir(place.folder);
    await Deno.writeFile(place.path, FILE);
    for (const text of ["{", "[]", "3", '{"net.pth": {"sha256": "00"}}']) {
      await Deno.writeTextFile(join(place.folder, "checksums.json"), text);
      await assert.rejects(
        place.get(entry([])),
        /^SyntaxError: Cannot use ".*": it is dam/,
      );
    }
  }));

Deno.test("download() takes a file without a length only with a checksum", () => {
  const body = FILE;
  return withServer(
    () => ({ status: "200 OK", body }),
    (base) =>
      inPlace(async (place) => {
        await assert.rejects(place.get(entry([`${base}/x`])), {
          message:
            `Cannot download "net": ${base}/x does not say how long the file is, ` +
            "and no checksum is known",
        });
        await place.get(entry([`${base}/x`], KNOWN));
        await assertArrived(place, FILE);
      }),
  );
});

Deno.test("download() gives the file of each source its own name, and finds it again", () =>
  withServer(
    fileAt("/other", OTHER),
    (base) =>
      inPlace(async (place) => {
        const fileAtSource = {
          fileName: "other.bin",
          bytes: null,
          sha256: null,
          sha256Prefix: null,
        };
        const one = entry([], {
          ...KNOWN,
          sources: [{ url: `${base}/own` }, { url: `${base}/other`, fileAtSource }],
        });
        const { path } = await place.get(one);
        assert.equal(path, join(place.folder, "other.bin"));
        assert.equal((await place.get(one)).path, path);
      }),
  ));

Deno.test("download() says which host cannot be reached, and does not wait long for it", () =>
  inPlace(async (place) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const base = `http://127.0.0.1:${listener.addr.port}/net.pth`;
    listener.close(); // nobody is there
    await assert.rejects(
      place.get(entry([`${base}?key=secret`])),
      ({ message }: Error) =>
        message.startsWith(`Cannot download "net": ${base} cannot be reached: `) &&
        message.endsWith(" (after 3 tries)") && !message.includes("secret"),
    );
  }));
