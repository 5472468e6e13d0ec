/** The uniform struct of a kernel, in bytes. @module */
import type { Kernel, UniformType } from "./kernel.ts";

/** Uniforms by name, `invocations` among them. */
export type UniformValues = Readonly<Record<string, number>>;

/** The fields of the struct in order: `invocations`, which guards the index, comes first. */
export function uniformFields(
  { uniforms }: Kernel,
): readonly (readonly [name: string, type: UniformType])[] {
  return [["invocations", "u32"], ...Object.entries(uniforms)];
}

/**
 * Asserts that every field has a value and every value a field.
 *
 * @throws {TypeError} If one is missing or unknown.
 */
export function checkUniforms(kernel: Kernel, values: UniformValues): void {
  const fields = uniformFields(kernel).map(([name]) => name);
  const missing = fields.find((name) => values[name] === undefined);
  const unknown = Object.keys(values).find((name) => !fields.includes(name));
  if (missing === undefined && unknown === undefined) return;
  throw new TypeError(
    `Cannot run kernel "${kernel.name}": ` +
      (missing === undefined
        ? `it has no uniform "${unknown}"`
        : `uniform "${missing}" has no value`),
  );
}

/** Packs a struct; its size is a multiple of 16 bytes. */
export function packUniforms(kernel: Kernel, values: UniformValues): ArrayBuffer {
  const bytes = new ArrayBuffer(16 * Math.ceil(uniformFields(kernel).length / 4));
  packUniformsInto(new DataView(bytes), 0, kernel, values);
  return bytes;
}

/**
 * Packs a struct into a larger buffer.
 *
 * @throws {TypeError} If a value is missing or unknown.
 */
export function packUniformsInto(
  view: DataView,
  offset: number,
  kernel: Kernel,
  values: UniformValues,
): void {
  checkUniforms(kernel, values);
  let position = offset;
  for (const [name, type] of uniformFields(kernel)) {
    const value = values[name] as number; // checked above
    if (type === "f32") view.setFloat32(position, value, true);
    else view.setUint32(position, value, true);
    position += 4;
  }
}

/** Where a field begins, in bytes. */
export function uniformOffset(kernel: Kernel, name: string): number {
  return 4 * uniformFields(kernel).findIndex(([field]) => field === name);
}
