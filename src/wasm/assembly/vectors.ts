/**
 * Rows and arrays of any length in vectors of four: the last vector may be shorter.
 *
 * Elements beyond the end are read as zeros and not written.
 */
import { multiplyAdd } from "./simd";

/** Bytes of a float32. */
export const FLOAT: usize = 4;

/** Elements of an array that are one item of an element-wise kernel. */
export const ITEM_ELEMENTS: i32 = 4096;

/** Four float32 from an address of which `bytes` remain. */
export function loadUpTo(address: usize, bytes: isize): v128 {
  return bytes >= 16 ? v128.load(address) : loadFew(address, bytes);
}

/** The same of fewer than four. */
export function loadFew(address: usize, bytes: isize): v128 {
  let few = f32x4.splat(0);
  if (bytes > 0) few = v128.load32_zero(address);
  if (bytes > 4) few = v128.load32_lane(address, few, 1, 4);
  if (bytes > 8) few = v128.load32_lane(address, few, 2, 8);
  return few;
}

/** Writes four float32 to an address of which `bytes` remain. */
export function storeUpTo(address: usize, four: v128, bytes: isize): void {
  if (bytes >= 16) v128.store(address, four);
  else storeFew(address, four, bytes);
}

/** The same of fewer than four. */
export function storeFew(address: usize, four: v128, bytes: isize): void {
  if (bytes > 0) v128.store32_lane(address, four, 0);
  if (bytes > 4) v128.store32_lane(address, four, 1, 4);
  if (bytes > 8) v128.store32_lane(address, four, 2, 8);
}

/** All bits of the float32 that begin within so many bytes. */
export function lanesWithin(bytes: isize): v128 {
  return i32x4.gt_s(i32x4.splat(<i32> bytes), i32x4(0, 4, 8, 12));
}

/** The first byte of an element-wise item, from the start of the array. */
export function firstByte(item: i32): usize {
  return FLOAT * ITEM_ELEMENTS * <usize> item;
}

/** The end of the items before `end`, in bytes from the start of an array of `count`. */
export function endByte(end: i32, count: i32): usize {
  return FLOAT * <usize> min<i64>(<i64> end * ITEM_ELEMENTS, count);
}

/** The lower two of four float32, as float64. */
export function lowDoubles(four: v128): v128 {
  return f64x2.promote_low_f32x4(four);
}

/** The upper two of four float32, as float64. */
export function highDoubles(four: v128): v128 {
  return f64x2.promote_low_f32x4(i64x2.shuffle(four, four, 1, 1));
}

/** The sum of two float64. */
export function sumOfDoubles(two: v128): f64 {
  return f64x2.extract_lane(two, 0) + f64x2.extract_lane(two, 1);
}

/** The sum of four float32, in pairs. */
export function sumOfFour(four: v128): f32 {
  const pairs = f32x4.add(four, i64x2.shuffle(four, four, 1, 0));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The largest of four float32. */
export function largestOfFour(four: v128): f32 {
  const pairs = f32x4.max(four, i64x2.shuffle(four, four, 1, 0));
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

/** Adds four float32 to four float64 in memory. */
export function addToDoubles(sums: usize, four: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), lowDoubles(four)));
  v128.store(sums, f64x2.add(v128.load(sums, 16), highDoubles(four)), 16);
}

/** The same of the first of them, of which `bytes` remain as float32. */
export function addUpToDoubles(sums: usize, four: v128, bytes: isize): void {
  if (bytes >= 16) return addToDoubles(sums, four);
  if (bytes > 0) addToDouble(sums, f32x4.extract_lane(four, 0));
  if (bytes > 4) addToDouble(sums + 8, f32x4.extract_lane(four, 1));
  if (bytes > 8) addToDouble(sums + 16, f32x4.extract_lane(four, 2));
}

function addToDouble(sum: usize, value: f32): void {
  store<f64>(sum, load<f64>(sum) + value);
}

/** from + (to − from) · weight. */
export function lerpOf(from: v128, to: v128, weight: v128): v128 {
  return multiplyAdd(f32x4.sub(to, from), weight, from);
}
