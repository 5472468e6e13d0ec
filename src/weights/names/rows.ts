/**
 * Tensors cut and joined along their first axis, as queries, keys and values are packed.
 *
 * @module
 */
import type { HostTensor } from "../../core/host_tensor.ts";

const shown = ({ dtype, shape }: HostTensor) => `${dtype} [${shape.join(", ")}]`;

/**
 * Joins tensors along their first axis.
 *
 * @throws {RangeError} If they differ in another axis or in their elements.
 */
export function joinRows(parts: readonly HostTensor[]): HostTensor {
  const [first] = parts;
  const rest = (part: HostTensor) => `${part.dtype} ${part.shape.slice(1).join(" ")}`;
  if (
    first === undefined || first.shape.length === 0 ||
    parts.some((part) => rest(part) !== rest(first))
  ) {
    throw new RangeError(
      `Cannot join rows of ${parts.map(shown).join(" and ") || "no tensors"}: only the ` +
        "first axis may differ",
    );
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.bytes.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part.bytes, position);
    position += part.bytes.length;
  }
  const rows = parts.reduce((sum, { shape: [count = 0] }) => sum + count, 0);
  return { dtype: first.dtype, shape: [rows, ...first.shape.slice(1)], bytes };
}

/**
 * Cuts a tensor along its first axis.
 *
 * @param shares Sizes of the parts, relative to each other.
 * @returns Parts that share its memory.
 * @throws {RangeError} If the rows cannot be cut in these shares.
 */
export function splitRows(
  value: HostTensor,
  shares: readonly number[],
): readonly HostTensor[] {
  const [rows, ...rest] = value.shape;
  const whole = shares.reduce((sum, share) => sum + share, 0);
  if (rows === undefined || rows % whole !== 0) {
    throw new RangeError(
      `Cannot split the rows of ${
        shown(value)
      }: their number must be a multiple of ${whole}`,
    );
  }
  let position = 0;
  return shares.map((share) => {
    const start = position;
    position += value.bytes.length / whole * share;
    const bytes = value.bytes.subarray(start, position);
    return { dtype: value.dtype, shape: [rows / whole * share, ...rest], bytes };
  });
}
