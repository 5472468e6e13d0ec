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

/** The constant of every shader that says at which workgroup a dispatch begins. */
export const FIRST_GROUP_CONSTANT = "firstGroup";

// A dispatch may be a part of the grid that begins at this workgroup.
const FIRST_GROUP = `
override ${FIRST_GROUP_CONSTANT}: u32 = 0u;
`;

// Large grids are folded into rows of workgroups; surplus invocations do nothing.
const MAIN = `${FIRST_GROUP}
@compute @workgroup_size(${WORKGROUP_SIZE})
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = ${FIRST_GROUP_CONSTANT} * ${WORKGROUP_SIZE}u + id.x + id.y * groups.x * ${WORKGROUP_SIZE}u;
  if (i < uniforms.invocations) {
    compute(i);
  }
}
`;

// Surplus invocations take part, since a barrier waits for all lanes of a workgroup.
const LANE_MAIN = `${FIRST_GROUP}
@compute @workgroup_size(${WORKGROUP_SIZE})
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  computeLane(${FIRST_GROUP_CONSTANT} + id.x + id.y * groups.x, lane);
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
