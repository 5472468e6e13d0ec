import assert from "node:assert/strict";
import {
  assertFileStatus,
  parseContentRange,
  parseHttpUrl,
  redactUrl,
  requestFile,
  SourceError,
  TransientError,
  UnreachableError,
  validatorOf,
  withRetries,
} from "../../src/io/http.ts";

const SIGNAL = new AbortController().signal;

Deno.test("parseHttpUrl() tells addresses from paths and refuses other schemes", () => {
  assert.equal(parseHttpUrl("https://h/a?b")?.href, "https://h/a?b");
  for (const path of ["a/b.pth", "/a", "C:\\a", "a"]) {
    assert.equal(parseHttpUrl(path), null);
  }
  for (const text of ["ftp://h/a", "http://", "s3://bucket/x"]) {
    assert.throws(() => parseHttpUrl(text), RangeError, text);
  }
});

Deno.test("redactUrl() leaves out whatever may be secret", () => {
  const url = "https://user:pass@h:81/a/b.zip?token=x#y";
  assert.equal(redactUrl(url), "https://h:81/a/b.zip");
});

Deno.test("validatorOf() prefers a strong tag and never gives a weak one", () => {
  const date = "Thu, 01 Jan 1970 00:00:00 GMT";
  const of = (headers: Record<string, string>) => validatorOf(new Headers(headers));
  assert.equal(of({ etag: '"a"', "last-modified": date }), '"a"');
  assert.equal(of({ etag: 'W/"a"', "last-modified": date }), date);
  assert.equal(of({ etag: 'W/"a"' }), null);
  assert.equal(of({}), null);
});

Deno.test("parseContentRange() reads ranges, unknown sizes and unsatisfied requests", () => {
  const of = (text: string) => parseContentRange(new Headers({ "content-range": text }));
  assert.deepEqual(of("bytes 5-9/100"), { start: 5, end: 9, total: 100 });
  assert.deepEqual(of("bytes 5-9/*"), { start: 5, end: 9, total: null });
  assert.deepEqual(of("bytes */100"), { start: null, end: null, total: 100 });
  for (const text of ["", "bytes 5-/9", "items 1-2/3", `bytes 0-1/${"9".repeat(16)}`]) {
    assert.equal(of(text), null, text);
  }
});

Deno.test("assertFileStatus() tells overload from refusal", () => {
  const of = (status: number) => () => assertFileStatus(new Response(null, { status }));
  of(200)();
  of(206)();
  for (const status of [408, 425, 429, 500, 502, 503, 504]) {
    assert.throws(of(status), TransientError);
  }
  for (const status of [204, 304, 400, 401, 403, 404, 410, 416, 501]) {
    assert.throws(of(status), SourceError);
  }
});

Deno.test("requestFile() never repeats an address, whatever breaks", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}/a?key=secret`;
  listener.close(); // nobody is there
  await assert.rejects(requestFile(url, SIGNAL, {}), (error) => {
    assert.ok(error instanceof UnreachableError);
    assert.match(error.message, /^cannot be reached: \S/);
    assert.doesNotMatch(error.message, /secret|http:/);
    return true;
  });
});

Deno.test("requestFile() asks for the bytes as they are, with the caller's headers", async () => {
  let asked: RequestInit | undefined;
  const fake = (_: unknown, init?: RequestInit) => {
    asked = init;
    return Promise.resolve(new Response("x"));
  };
  await requestFile("https://h/a", SIGNAL, { range: "bytes=5-" }, {
    fetchFile: fake as typeof fetch,
  });
  assert.deepEqual(asked?.headers, { "accept-encoding": "identity", range: "bytes=5-" });
});

Deno.test("withRetries() tries again after what passes, and after nothing else", async () => {
  const passing = [
    new TransientError("answers 503"),
    new TypeError("error sending request for url (http://h/?secret): closed"),
    new Deno.errors.ConnectionReset("reset"),
    new DOMException("too slow", "TimeoutError"),
  ];
  const heard: string[] = [];
  let attempts = 0;
  const result = await withRetries(
    () => {
      const error = passing[attempts++];
      return error === undefined ? Promise.resolve("done") : Promise.reject(error);
    },
    () => 0.001,
    undefined,
    (reason) => heard.push(reason),
  );
  assert.equal(result, "done");
  assert.deepEqual(heard, ["answers 503", "closed", "reset", "too slow"]);

  for (const error of [new SourceError("answers 404"), new Error("the disk is full")]) {
    const rejecting = withRetries(() => Promise.reject(error), () => 0.001);
    await assert.rejects(rejecting, (thrown) => thrown === error);
  }
  const delays = [0.001, 0.001];
  await assert.rejects(
    withRetries(() => Promise.reject(new TransientError("busy")), () => delays.pop()),
    { name: "SourceError", message: "busy (after 3 tries)" },
  );
});

Deno.test("withRetries() ends a wait at once when it is aborted", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const started = performance.now();
  await assert.rejects(
    withRetries(
      () => Promise.reject(new TransientError("busy")),
      () => 60,
      controller.signal,
      () => controller.abort(reason),
    ),
    (error) => error === reason,
  );
  assert.ok(performance.now() - started < 10_000);
});
