import assert from "node:assert/strict";
import { lockedPackages } from "../../../tools/pack/lock_file.ts";

const LOCK = JSON.stringify({
  version: "5",
  specifiers: { "npm:@a/picture@1.0.0": "1.0.0_peer@2.0.0", "npm:plain@3.0.0": "3.0.0" },
  npm: {
    "@a/picture@1.0.0_peer@2.0.0": {
      integrity: "sha512-x",
      dependencies: ["peer"],
      optionalDependencies: ["@a/for-linux", "@a/for-mac", "@a/not-for-windows", "arm"],
    },
    "@a/for-linux@1.0.0": { os: ["linux"], cpu: ["x64"] },
    "@a/for-mac@1.0.0": { os: ["darwin"], dependencies: ["only-on-mac"] },
    "@a/not-for-windows@1.0.0": { os: ["!win32"], dependencies: ["plain@2.0.0"] },
    "arm@1.0.0": { os: ["linux"], cpu: ["arm64"] },
    "only-on-mac@1.0.0": {},
    "peer@2.0.0": {},
    "plain@2.0.0": {},
    "plain@3.0.0": { dependencies: ["unlocked"] },
  },
});

Deno.test("lockedPackages() follows dependencies as far as Linux has use for them", () => {
  const packages = lockedPackages(LOCK);
  assert.equal(packages.length, 9);
  assert.deepEqual(
    packages.filter(({ isForLinux }) => isForLinux).map(({ name, version }) =>
      `${name} ${version}`
    ),
    [
      "@a/picture 1.0.0",
      "@a/for-linux 1.0.0",
      "@a/not-for-windows 1.0.0",
      "peer 2.0.0",
      "plain 2.0.0",
      "plain 3.0.0",
    ],
  );
});

Deno.test("lockedPackages() names a package with two sets of peers once", () => {
  const npm = { "a@1.0.0_b@1.0.0": {}, "a@1.0.0_b@2.0.0": {} };
  const specifiers = { "npm:a@1.0.0": "1.0.0_b@2.0.0" };
  assert.deepEqual(lockedPackages(JSON.stringify({ specifiers, npm })), [
    { name: "a", version: "1.0.0", isForLinux: true },
  ]);
});

Deno.test("lockedPackages() refuses what is no lock file", () => {
  for (const text of ["", "{}", '{"specifiers":{},"npm":{"nameless":{}}}']) {
    assert.throws(() => lockedPackages(text), /^SyntaxError: Cannot read deno.lock: /);
  }
});
