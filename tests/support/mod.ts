export * from "./backends.ts";
export * from "./compare.ts";
