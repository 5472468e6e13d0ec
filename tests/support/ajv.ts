/** Checks of JSON schemas. The only file that names ajv. @module */

export { Ajv } from "npm:ajv@8.20.0";
