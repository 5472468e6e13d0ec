import assert from "node:assert/strict";
import { join } from "node:path";
import { assertArrived, entry, inPlace } from "./download_folder.ts";
import {
  type Answer,
  fileAnswer,
  sha256,
  someBytes,
  stalling,
  withServer,
} from "./file_server.ts";

const FILE = someBytes(300_000);
const KNOWN = { sha256: sha256(FILE), bytes: FILE.length };

const rangeOf = ({ headers }: { headers: Headers }) => headers.get("range");

Deno.test("download() fetches, checks, records and names a file, and does so once", () =>
  withServer(
    (asked) => fileAnswer(asked, FILE),
    (base, log) =>
      inPlace(async (place) => {
        const url = `${base}/some/net.pth?token=secret`;
        const result = await place.get(entry([url], KNOWN));
        assert.deepEqual(result, {
          name: "net",
          path: place.path,
          status: "downloaded",
          bytes: FILE.length,
          sha256: KNOWN.sha256,
          source: `${base}/some/net.pth`,
        });
        await assertArrived(place, FILE);
        const book = await Deno.readTextFile(join(place.folder, "checksums.json"));
        assert.doesNotMatch(book, /secret/);
        const last = place.events.filter(({ kind }) => kind === "bytes").at(-1);
        assert.deepEqual(last, {
          kind: "bytes",
          file: "net.pth",
          received: FILE.length,
          total: FILE.length,
        });

        const again = await place.get(entry([url], KNOWN));
        assert.equal(again.status, "already present");
        assert.equal(log.length, 1);
      }),
  ));

Deno.test("download() goes on where the connection broke, as often as it breaks", () =>
  withServer(
    (asked) =>
      fileAnswer(asked, FILE, {
        cut: [1, 70_000, 33, 90_001][asked.before] ?? undefined,
      }),
    (base, log) =>
      inPlace(async (place) => {
        await place.get(entry([`${base}/net.pth`], KNOWN));
        await assertArrived(place, FILE);
        assert.deepEqual(log.map(rangeOf), [
          null,
          "bytes=1-",
          "bytes=70001-",
          "bytes=70034-",
          "bytes=160035-",
        ]);
        assert.equal(log[1]?.headers.get("if-range"), '"one"');
        assert.equal(place.events.filter(({ kind }) => kind === "retry").length, 4);
      }),
  ));

Deno.test("download() goes on at the next start when a line is down for longer", () =>
  withServer(
    (asked) => fileAnswer(asked, FILE, { cut: asked.before < 5 ? 20_000 : undefined }),
    (base, log) =>
      inPlace(async (place) => {
        const one = entry([`${base}/net.pth`]);
        await assert.rejects(place.get(one), {
          message: new RegExp(
            `^Cannot download "net": ${base}/net\\.pth .*\\(after 5 tries\\)$`,
          ),
        });
        assert.deepEqual(await place.names(), ["net.pth.part", "net.pth.part.json"]);
        await place.get(one);
        await assertArrived(place, FILE);
        assert.equal(log.at(-1)?.headers.get("range"), "bytes=100000-");
      }),
  ));

Deno.test("download() survives random breaks", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const cuts = [...someBytes(4, seed)].map((byte) => byte * 250);
    await withServer(
      (asked) => fileAnswer(asked, FILE, { cut: cuts[asked.before] }),
      (base) =>
        inPlace(async (place) => {
          await place.get(entry([`${base}/net.pth`]));
          await assertArrived(place, FILE);
        }),
    );
  }
});

Deno.test("download() starts over where a server knows no ranges", () =>
  withServer(
    (asked) =>
      fileAnswer(asked, FILE, {
        ranges: false,
        cut: asked.before < 2 ? 5000 : undefined,
      }),
    (base) =>
      inPlace(async (place) => {
        await place.get(entry([`${base}/net.pth`]));
        await assertArrived(place, FILE);
      }),
  ));

const OTHER = someBytes(300_000, 7);

Deno.test("download() never joins the parts of two files", async () => {
  const servers: Record<string, (change: boolean) => Partial<Answer> | null> = {
    "obeys If-Range": () => null,
    "answers the rest of the new file": () => ({
      status: "206 Partial Content",
      headers: {
        "content-length": 200_000,
        "content-range": "bytes 100000-299999/300000",
        etag: '"two"',
      },
      body: OTHER.subarray(100_000),
    }),
    "answers another range": () => ({
      status: "206 Partial Content",
      headers: {
        "content-length": 300_000,
        "content-range": "bytes 0-299999/300000",
        etag: '"one"',
      },
      body: OTHER,
    }),
    "answers a rest of another length": () => ({
      status: "206 Partial Content",
      headers: {
        "content-length": 100_000,
        "content-range": "bytes 100000-199999/200000",
        etag: '"one"',
      },
      body: OTHER.subarray(0, 100_000),
    }),
    "answers 416": () => ({
      status: "416 Range Not Satisfiable",
      headers: { "content-length": 0, "content-range": "bytes */9" },
    }),
  };
  for (const [name, special] of Object.entries(servers)) {
    await withServer((asked) => {
      if (asked.before === 0) return fileAnswer(asked, FILE, { cut: 100_000 });
      const answer = rangeOf(asked) === null ? null : special(true);
      return { ...fileAnswer(asked, OTHER, { etag: '"two"' }), ...answer };
    }, (base) =>
      inPlace(async (place) => {
        await place.get(entry([`${base}/net.pth`]));
        assert.deepEqual(await Deno.readFile(place.path), OTHER, name);
      }));
  }
});

Deno.test("download() trusts no part without a tag, unless a checksum will tell", async () => {
  for (const [known, range] of [[{}, null], [KNOWN, "bytes=4000-"]] as const) {
    await withServer(
      (asked) =>
        fileAnswer(asked, FILE, { etag: null, cut: asked.before < 1 ? 4000 : undefined }),
      (base, log) =>
        inPlace(async (place) => {
          await place.get(entry([`${base}/net.pth`], known));
          await assertArrived(place, FILE);
          assert.equal(log[1]?.headers.get("range"), range);
        }),
    );
  }
});

Deno.test("download() starts over when a continued file turns out to be another one", () =>
  withServer(
    (asked) =>
      asked.before === 0
        ? fileAnswer(asked, OTHER, { etag: null, cut: 100_000 })
        : fileAnswer(asked, FILE, { etag: null }),
    (base, log) =>
      inPlace(async (place) => {
        await place.get(entry([`${base}/net.pth`], KNOWN)); // breaks, continues with FILE
        await assertArrived(place, FILE);
        assert.deepEqual(log.map(rangeOf), [null, "bytes=100000-", null]);
      }),
  ));

Deno.test("download() names a file that came whole just before a crash", () =>
  withServer(
    (asked) => fileAnswer(asked, FILE),
    (base, log) =>
      inPlace(async (place) => {
        const one = entry([`${base}/net.pth`]);
        await place.get(one);
        // As after a crash between the last byte and the renaming.
        await Deno.rename(place.path, `${place.path}.part`);
        const { hashUrl } = await import("../../src/download/transfer.ts");
        const state = { source: hashUrl(`${base}/net.pth`), validator: '"one"' };
        await Deno.writeTextFile(
          `${place.path}.part.json`,
          JSON.stringify({ ...state, total: FILE.length }),
        );
        await place.get(one);
        await assertArrived(place, FILE);
        assert.equal(log.length, 1);
      }),
  ));

Deno.test("download() waits out an overloaded server and a silent one", async () => {
  const answers: readonly Answer[] = [
    { status: "500 Internal Server Error" },
    { status: "503 Service Unavailable", headers: { "retry-after": 1 } },
    { status: "200 OK", headers: { "content-length": 300_000 }, hangs: true },
  ];
  await withServer(
    (asked) => answers[asked.before] ?? fileAnswer(asked, FILE),
    (base) =>
      inPlace(async (place) => {
        await place.get(entry([`${base}/net.pth`]), { idleTimeout: 0.2 });
        await assertArrived(place, FILE);
        const reasons = place.events.flatMap((event) =>
          event.kind === "retry" ? [event.reason] : []
        );
        assert.deepEqual(reasons, [
          "answers 500 Internal Server Error",
          "answers 503 Service Unavailable",
          "no byte came for 0.2 seconds",
        ]);
      }),
  );
});

Deno.test("download() goes on with what one place began at another", () =>
  withServer(
    (asked) =>
      asked.path === "/a/net.pth"
        ? asked.before === 0
          ? fileAnswer(asked, FILE, { cut: 120_000 })
          : { status: "404 Not Found" }
        : fileAnswer(asked, FILE, { etag: '"elsewhere"' }),
    (base, log) =>
      inPlace(async (place) => {
        const urls = ["a", "b"].map((name) => `${base}/${name}/net.pth`);
        const { source } = await place.get(entry(urls, KNOWN));
        assert.equal(source, urls[1]);
        await assertArrived(place, FILE);
        assert.equal(log.at(-1)?.headers.get("range"), "bytes=120000-");
      }),
  ));

Deno.test("download() stops on request and keeps what has come", () =>
  withServer(
    stalling(FILE, 50_000),
    (base, log) =>
      inPlace(async (place) => {
        const controller = new AbortController();
        const one = entry([`${base}/net.pth`]);
        const onProgress: NonNullable<Parameters<typeof place.get>[1]>["onProgress"] = (
          event,
        ) => {
          if (event.kind === "bytes" && event.received === 50_000) controller.abort();
        };
        await assert.rejects(
          place.get(one, { signal: controller.signal, onProgress }),
          (error) => error === controller.signal.reason,
        );
        await place.get(one);
        await assertArrived(place, FILE);
        assert.equal(log.at(-1)?.headers.get("range"), "bytes=50000-");
      }),
  ));

Deno.test("download() takes a mirror: an address or a folder", () =>
  withServer(
    (asked) => fileAnswer(asked, FILE),
    (base, log) =>
      inPlace(async (place) => {
        const one = entry(["https://nowhere.invalid/net.pth"], KNOWN);
        await place.get(one, { mirror: `${base}/mirror` });
        assert.equal(log[0]?.path, "/mirror/net.pth");

        const copies = join(place.folder, "copies");
        const copied = await place.get(one, { mirror: place.folder, folder: copies });
        assert.equal(copied.source, place.path);
        assert.deepEqual(await Deno.readFile(join(copies, "net.pth")), FILE);

        const empty = join(place.folder, "empty");
        await assert.rejects(
          place.get(one, { mirror: empty, folder: join(place.folder, "x") }),
          { message: `Cannot download "net": ${join(empty, "net.pth")} is not there` },
        );
        await assert.rejects(
          place.get(one, { mirror: "ftp://host/x", folder: join(place.folder, "x") }),
          {
            message: 'Cannot use the address "ftp://host/x": it must begin with ' +
              "https:// or http://",
          },
        );
      }),
  ));
