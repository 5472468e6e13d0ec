import assert from "node:assert/strict";
import { defineKernel } from "../../src/gpu/kernel.ts";
import { multiTensorKernel } from "../../src/gpu/multi_tensor.ts";
import { shaderSource } from "../../src/gpu/shader_prelude.ts";

const SCALE = defineKernel({
  name: "scale",
  uniforms: { columns: "u32", factor: "f32" },
  inputs: { x: "f32", index: "i32" },
  outputs: { y: "vec4f" },
  shader: "fn compute(i: u32) {\n  y[i] = uniforms.factor * x[index[i]];\n}\n",
});

const PRELUDE = `struct Uniforms {
  invocations: u32,
  columns: u32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> uniforms: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> index: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
`;

Deno.test("shaderSource() declares uniforms and bindings and guards the index", () => {
  assert.equal(
    shaderSource(SCALE, SCALE.shader ?? ""),
    `${PRELUDE}
fn compute(i: u32) {
  y[i] = uniforms.factor * x[index[i]];
}

override firstGroup: u32 = 0u;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = firstGroup * 64u + id.x + id.y * groups.x * 64u;
  if (i < uniforms.invocations) {
    compute(i);
  }
}
`,
  );
});

Deno.test("shaderSource() calls computeLane() for all lanes of a workgroup", () => {
  const shader = "fn computeLane(group: u32, lane: u32) {\n}\n";
  assert.equal(
    shaderSource(SCALE, shader),
    `${PRELUDE}
${shader}
override firstGroup: u32 = 0u;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  computeLane(firstGroup + id.x + id.y * groups.x, lane);
}
`,
  );
});

Deno.test("multiTensorKernel() repeats the kernel with numbered names", () => {
  const decay = defineKernel({
    name: "decay",
    uniforms: { rate: "f32", floor: "f32" },
    inputs: { g: "f32" },
    outputs: { p: "f32" },
    shader:
      "fn compute(i: u32) {\n  p[i] = max(p[i] - uniforms.rate * g[i], uniforms.floor);\n}\n",
  });
  const [group] = multiTensorKernel(decay, [2], ["rate"]).groups;
  const multi = group?.kernel ?? assert.fail();
  assert.equal(multi.name, "decayX2");
  assert.deepEqual(Object.keys(multi.uniforms), [
    ...["start0", "size0", "start1", "size1", "rate0", "rate1", "floor"],
  ]);
  assert.deepEqual(Object.keys(multi.inputs), ["g0", "g1"]);
  assert.deepEqual(Object.keys(multi.outputs), ["p0", "p1"]);
  assert.equal(
    multi.shader,
    `fn compute0(i: u32) {
  p0[i] = max(p0[i] - uniforms.rate0 * g0[i], uniforms.floor);
}

fn compute1(i: u32) {
  p1[i] = max(p1[i] - uniforms.rate1 * g1[i], uniforms.floor);
}

fn compute(i: u32) {
  if (i - uniforms.start0 < uniforms.size0) {
    compute0(i - uniforms.start0);
  }
  if (i - uniforms.start1 < uniforms.size1) {
    compute1(i - uniforms.start1);
  }
}
`,
  );
});
