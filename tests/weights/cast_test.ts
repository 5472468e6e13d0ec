import assert from "node:assert/strict";
import type { DataType, HostTensor } from "../../src/core/host_tensor.ts";
import { integersEqual, toFloat32, toInt64 } from "../../src/weights/cast.ts";

const of = (dtype: DataType, array: ArrayBufferView<ArrayBuffer>, length: number) => ({
  dtype,
  shape: [length],
  bytes: new Uint8Array(array.buffer),
});

const floats = (value: HostTensor) => [...new Float32Array(value.bytes.slice().buffer)];

const shorts = (dtype: DataType, bits: number[]) =>
  of(dtype, Uint16Array.from(bits), bits.length);

Deno.test("toFloat32() keeps the values of float16, the smallest, infinite and signed ones too", () => {
  const bits = [0x3c00, 0xc000, 0x3555, 0x7bff, 0x0001, 0x83ff, 0x8000, 0x7c00, 0xfc00];
  assert.deepEqual(floats(toFloat32(shorts("F16", bits), "w")), [
    1,
    -2,
    0.333251953125,
    65504,
    2 ** -24,
    -(2 ** -14 - 2 ** -24),
    -0,
    Infinity,
    -Infinity,
  ]);
  const [odd] = floats(toFloat32(shorts("F16", [0x7e00]), "w"));
  assert(Number.isNaN(odd));
});

Deno.test("toFloat32() takes bfloat16 for the upper half of float32", () => {
  const bits = [0x3f80, 0xc049, 0x0001, 0x7f7f, 0xff80];
  const [one, pi, small, large, infinite] = floats(toFloat32(shorts("BF16", bits), "w"));
  assert.deepEqual([one, pi, infinite], [1, -3.140625, -Infinity]);
  assert.equal(small, 2 ** -133);
  assert.equal(large, 2 ** 127 * (2 - 2 ** -7));
});

Deno.test("toFloat32() rounds float64 to the nearest, to the even one of two", () => {
  const step = 2 ** -23;
  const values = [1 + step / 2, 1 + 1.5 * step, 1 + step * 0.51, 1e-50, -0.1, Infinity];
  const doubles = of("F64", Float64Array.from(values), values.length);
  assert.deepEqual(floats(toFloat32(doubles, "w")), [
    1,
    1 + 2 * step,
    1 + step,
    0,
    Math.fround(-0.1),
    Infinity,
  ]);
  assert.throws(() => toFloat32(of("F64", Float64Array.of(1, 1e39), 2), "head.bias"), {
    name: "RangeError",
    message: 'Cannot load "head.bias": 1e+39 is too large for float32',
  });
});

Deno.test("toFloat32() does not copy float32, and refuses integers", () => {
  const same = of("F32", Float32Array.of(1, 2), 2);
  assert.equal(toFloat32(same, "w"), same);
  assert.throws(() => toFloat32(of("I64", BigInt64Array.of(1n), 1), "w"), {
    name: "TypeError",
    message: 'Cannot load "w": weights are floating-point numbers, this one is I64',
  });
});

Deno.test("toFloat32() reads tensors that begin anywhere in a buffer", () => {
  const bytes = new Uint8Array([9, 9, 0x00, 0x3c]).subarray(2);
  assert.deepEqual(floats(toFloat32({ dtype: "F16", shape: [1], bytes }, "w")), [1]);
});

Deno.test("toInt64() and integersEqual() take integers of any width", () => {
  const narrow = of("I32", Int32Array.of(-1, 7), 2);
  const wide = of("I64", BigInt64Array.of(-1n, 7n), 2);
  assert.deepEqual(toInt64(narrow), wide);
  assert(integersEqual(narrow, wide));
  assert(!integersEqual(narrow, of("I64", BigInt64Array.of(-1n, 8n), 2)));
  const half = of("F32", Float32Array.of(0.5), 1);
  assert.equal(toInt64(half), half);
});
