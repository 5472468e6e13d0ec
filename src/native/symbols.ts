/** The part of oneDNN's C interface, version 3, that is used here. @module */

// Handles are numbers, 0n being null; data and results come through views, so that no
// address passes through JavaScript.
const HANDLE = "usize";
const VIEW = "buffer";
const INT = "i32";
const FLAGS = "u32";
const FLOAT = "f32";

// Functions that answer with a status, 0 being success.
const status = <const P extends readonly Deno.NativeType[]>(parameters: P) =>
  ({ parameters, result: INT }) as const;

/** What every build that is not of another library has: for looking at it. */
export const VERSION_SYMBOL = {
  dnnl_version: { parameters: [], result: "pointer", optional: true },
} as const satisfies Deno.ForeignLibraryInterface;

/** Functions by the names of `dnnl.h`. */
// deno-fmt-ignore: a line per function, or two
export const SYMBOLS = {
  ...VERSION_SYMBOL,
  dnnl_get_effective_cpu_isa: status([]),
  dnnl_set_primitive_cache_capacity: status([INT]),
  dnnl_engine_create: status([VIEW, INT, HANDLE]),
  dnnl_engine_destroy: status([HANDLE]),
  dnnl_stream_create: status([VIEW, HANDLE, FLAGS]),
  dnnl_stream_destroy: status([HANDLE]),
  dnnl_primitive_attr_create: status([VIEW]),
  dnnl_primitive_attr_destroy: status([HANDLE]),
  // Since 3.6: without it, the order of sums may depend on chance in some builds.
  dnnl_primitive_attr_set_deterministic: { ...status([HANDLE, INT]), optional: true },
  dnnl_memory_desc_create_with_strides: status([VIEW, INT, VIEW, INT, VIEW]),
  dnnl_memory_desc_create_with_tag: status([VIEW, INT, VIEW, INT, INT]),
  dnnl_memory_desc_destroy: status([HANDLE]),
  dnnl_memory_desc_equal: status([HANDLE, HANDLE]),
  dnnl_memory_desc_get_size: { parameters: [HANDLE], result: HANDLE },
  dnnl_memory_create: status([VIEW, HANDLE, HANDLE, HANDLE]),
  dnnl_memory_set_data_handle: status([HANDLE, VIEW]),
  dnnl_memory_destroy: status([HANDLE]),
  dnnl_primitive_desc_query_md: { parameters: [HANDLE, INT, INT], result: HANDLE },
  dnnl_primitive_desc_destroy: status([HANDLE]),
  dnnl_primitive_create: status([VIEW, HANDLE]),
  dnnl_primitive_execute: status([HANDLE, HANDLE, INT, VIEW]),
  dnnl_primitive_destroy: status([HANDLE]),
  // Each: result, engine, what the operation needs, attributes.
  dnnl_reorder_primitive_desc_create: status([
    VIEW, HANDLE, HANDLE, HANDLE, HANDLE, HANDLE,
  ]),
  dnnl_matmul_primitive_desc_create: status([
    VIEW, HANDLE, HANDLE, HANDLE, HANDLE, HANDLE, HANDLE,
  ]),
  dnnl_convolution_forward_primitive_desc_create: status([
    VIEW, HANDLE, INT, INT, HANDLE, HANDLE, HANDLE, HANDLE, VIEW, VIEW, VIEW, VIEW,
    HANDLE,
  ]),
  dnnl_convolution_backward_data_primitive_desc_create: status([
    VIEW, HANDLE, INT, HANDLE, HANDLE, HANDLE, VIEW, VIEW, VIEW, VIEW, HANDLE, HANDLE,
  ]),
  dnnl_convolution_backward_weights_primitive_desc_create: status([
    VIEW, HANDLE, INT, HANDLE, HANDLE, HANDLE, HANDLE, VIEW, VIEW, VIEW, VIEW, HANDLE,
    HANDLE,
  ]),
  dnnl_layer_normalization_forward_primitive_desc_create: status([
    VIEW, HANDLE, INT, HANDLE, HANDLE, HANDLE, FLOAT, FLAGS, HANDLE,
  ]),
  dnnl_layer_normalization_backward_primitive_desc_create: status([
    VIEW, HANDLE, INT, HANDLE, HANDLE, HANDLE, HANDLE, FLOAT, FLAGS, HANDLE, HANDLE,
  ]),
  dnnl_batch_normalization_forward_primitive_desc_create: status([
    VIEW, HANDLE, INT, HANDLE, HANDLE, FLOAT, FLAGS, HANDLE,
  ]),
  dnnl_eltwise_forward_primitive_desc_create: status([
    VIEW, HANDLE, INT, INT, HANDLE, HANDLE, FLOAT, FLOAT, HANDLE,
  ]),
  dnnl_eltwise_backward_primitive_desc_create: status([
    VIEW, HANDLE, INT, HANDLE, HANDLE, HANDLE, FLOAT, FLOAT, HANDLE, HANDLE,
  ]),
  dnnl_softmax_forward_primitive_desc_create: status([
    VIEW, HANDLE, INT, INT, HANDLE, HANDLE, INT, HANDLE,
  ]),
  dnnl_softmax_backward_primitive_desc_create: status([
    VIEW, HANDLE, INT, HANDLE, HANDLE, HANDLE, INT, HANDLE, HANDLE,
  ]),
  // Of the OpenMP library that the build brings with it, where the system looks there too.
  omp_set_num_threads: { parameters: [INT], result: "void", optional: true },
  omp_get_max_threads: { ...status([]), optional: true },
  // Of the system, in the same way.
  dlopen: { parameters: [VIEW, INT], result: "pointer", optional: true },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of an open library. */
export type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
