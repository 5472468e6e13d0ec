import assert from "node:assert/strict";
import {
  createExchangeMarks,
  createExchangeWatch,
  createWatchMemory,
} from "../../src/distributed/exchange_watch.ts";
import { hangLimit } from "../../src/distributed/hang_guard.ts";

/** Marks, and looks at them once a second with a limit of three. */
function watched() {
  const memory = createWatchMemory();
  const look = createExchangeWatch(memory, 3, 1);
  let now = 100;
  return {
    ...createExchangeMarks(memory),
    /** @param seconds That pass before. */
    look: (seconds = 1) => look(now += seconds),
  };
}

Deno.test("createExchangeWatch() reports what has blocked for so long, by name and size", () => {
  const { begin, look } = watched();
  assert.equal(look(), null);
  begin("sum", 25, "blocking");
  assert.deepEqual([look(), look(), look()], [null, null, null]);
  assert.equal(look(), "a sum of 25 values");
});

Deno.test("createExchangeWatch() starts anew with each exchange, and ends with it", () => {
  const { begin, end, look } = watched();
  for (let i = 0; i < 10; i++) {
    begin("gather", 1, "blocking");
    assert.deepEqual([look(), look(), look()], [null, null, null]);
    end();
    if (i % 2 === 1) assert.equal(look(), null);
  }
  assert.equal(look(100), null);
});

Deno.test("createExchangeWatch() counts what goes on beside a thread only while that waits", () => {
  const { begin, pulse, look } = watched();
  begin("broadcast", 7, "beside");
  for (let i = 0; i < 10; i++) assert.equal(look(), null);
  for (let i = 0; i < 2; i++) {
    pulse();
    assert.equal(look(), null);
  }
  pulse();
  assert.equal(look(), "a broadcast of 7 bytes");
});

Deno.test("createExchangeWatch() does not count the sleep of the machine", () => {
  const { begin, look } = watched();
  begin("end", 0, "blocking");
  look();
  assert.equal(look(3600), null);
  assert.equal(look(), "the end of MPI");
});

Deno.test("hangLimit() is ten minutes unless a positive number is given", () => {
  assert.deepEqual([hangLimit(undefined), hangLimit("2.5")], [600, 2.5]);
  for (const text of ["0", "-1", "ten", "Infinity"]) {
    assert.throws(
      () => hangLimit(text),
      new RegExp(
        `^RangeError: Cannot watch ranks: FST_MPI_TIMEOUT is "${text}": give the`,
      ),
    );
  }
});
