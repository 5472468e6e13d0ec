/** Schemas of everything that comes from outside. The only file that names zod. @module */

export { z } from "npm:zod@4.6.7";
