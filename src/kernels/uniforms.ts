/** Uniform structs as bytes. @module */

/** A uniform's type; the order of the fields is the order of the WGSL struct. */
export type UniformType = "u32" | "f32";

/** The fields of a struct with their types, in order. */
export type UniformFields = Readonly<Record<string, UniformType>>;

/** Bytes of a struct of so many fields: a multiple of 16. */
const sizeOf = (fields: number): number => Math.ceil(fields / 4) * 16;

/** Packs a struct. */
export function packUniforms(
  fields: UniformFields,
  values: Readonly<Record<string, number>>,
): ArrayBuffer {
  const bytes = new ArrayBuffer(sizeOf(Object.keys(fields).length));
  packInto(new DataView(bytes), 0, fields, values);
  return bytes;
}

/** Packs a struct into a larger buffer. */
export function packInto(
  view: DataView,
  offset: number,
  fields: UniformFields,
  values: Readonly<Record<string, number>>,
): void {
  let at = offset;
  for (const name in fields) {
    const value = values[name] ?? NaN;
    if (fields[name] === "f32") view.setFloat32(at, value, true);
    else view.setUint32(at, value, true);
    at += 4;
  }
}

/** Where a field begins, in bytes. */
export function offsetOf(fields: UniformFields, name: string): number {
  return 4 * Object.keys(fields).indexOf(name);
}
