import assert from "node:assert/strict";
import { CPU_OPTIONS, cpuOptionsFrom } from "../../src/cli/cpu_options.ts";

const NOT_GIVEN = { native: undefined, threads: undefined };

/** An environment with these variables. */
const withVariables = (variables: Record<string, string>) => (name: string) =>
  variables[name];

Deno.test("cpuOptionsFrom() takes options, then the environment, then auto", () => {
  const environment = withVariables({ FST_NATIVE: "/x.so", FST_THREADS: "3" });
  assert.deepEqual(cpuOptionsFrom(NOT_GIVEN, withVariables({})), {
    native: "auto",
    threads: "auto",
  });
  assert.deepEqual(cpuOptionsFrom(NOT_GIVEN, environment), {
    native: "/x.so",
    threads: 3,
  });
  assert.deepEqual(cpuOptionsFrom({ native: "off", threads: 2 }, environment), {
    native: "off",
    threads: 2,
  });
  assert.deepEqual(cpuOptionsFrom({ native: "auto", threads: "auto" }, environment), {
    native: "auto",
    threads: "auto",
  });
});

Deno.test("cpuOptionsFrom() says what FST_THREADS must be", () => {
  assert.throws(
    () => cpuOptionsFrom(NOT_GIVEN, withVariables({ FST_THREADS: "many" })),
    /^RangeError: Cannot use FST_THREADS="many": it must be auto or a whole number, 1 to 256/,
  );
});

Deno.test("--threads takes auto and whole numbers from 1", () => {
  const { parse } = CPU_OPTIONS.threads;
  assert.equal(parse("auto", undefined), "auto");
  assert.equal(parse("8", undefined), 8);
  for (const text of ["0", "-1", "1.5", "", "two"]) {
    assert.throws(() => parse(text, undefined), /must be auto or a whole number/, text);
  }
});
