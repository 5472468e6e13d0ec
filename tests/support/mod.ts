export * from "./backends.ts";
export * from "./compare.ts";
export * from "./native.ts";
