/** What all kernels use: vectors of four float32 and fused multiply-adds. */

/** Whether a · b + c is computed by relaxed SIMD, which fuses it where the CPU can. */
const FUSED = ASC_FEATURE_RELAXED_SIMD;

/** a · b + c, element by element. */
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return FUSED ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** Four neighbors from memory. */
export function loadVector(address: usize): v128 {
  return v128.load(address);
}

/** One float32 from memory, four times. */
export function loadSplat(address: usize): v128 {
  return v128.load32_splat(address);
}
