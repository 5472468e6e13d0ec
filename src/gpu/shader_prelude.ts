/**
 * What every shader has in common, generated from the declaration of its kernel: the struct
 * of the uniforms, the bindings and the entry point.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import { uniformFields } from "./uniforms.ts";

/** Invocations per workgroup; all shaders are written for this size. */
export const WORKGROUP_SIZE = 64;

// Large grids are folded into rows of workgroups; surplus invocations do nothing.
const MAIN = `
@compute @workgroup_size(${WORKGROUP_SIZE})
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * ${WORKGROUP_SIZE}u;
  if (i < uniforms.invocations) {
    compute(i);
  }
}
`;

// Surplus invocations take part, since a barrier waits for all lanes of a workgroup.
const LANE_MAIN = `
@compute @workgroup_size(${WORKGROUP_SIZE})
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  computeLane(id.x + id.y * groups.x, lane);
}
`;

/** The complete WGSL of a kernel. */
export function shaderSource(kernel: Kernel, shader: string): string {
  const fields = uniformFields(kernel).map(([name, type]) => `  ${name}: ${type},\n`);
  const arrays = [
    ...Object.entries(kernel.inputs).map((input) => [...input, "read"]),
    ...Object.entries(kernel.outputs).map((output) => [...output, "read_write"]),
  ];
  const bindings = arrays.map(([name, type, access], i) =>
    `@group(0) @binding(${i + 1}) var<storage, ${access}> ${name}: array<${type}>;\n`
  );
  return [
    `struct Uniforms {\n${fields.join("")}}\n\n`,
    "@group(0) @binding(0) var<uniform> uniforms: Uniforms;\n",
    ...bindings,
    `\n${shader}`,
    shader.includes("fn computeLane(") ? LANE_MAIN : MAIN,
  ].join("");
}
