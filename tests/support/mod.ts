export * from "./backends.ts";
export * from "./compare.ts";
export * from "./native.ts";
export * from "./wasm_engines.ts";
