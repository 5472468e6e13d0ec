/** Schemas of everything that comes from outside. The only file that names zod. @module */

export * from "npm:zod@4.6.7";
