/** What is wrong with a configuration, a line per problem. @module */

import { z } from "../core/zod.ts";
import { suggestion } from "./nearest.ts";

type Issue = z.core.$ZodIssue;

const child = (value: unknown, key: PropertyKey): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined;

/** The part of a schema that a value is checked by, without defaults and nulls. */
function bare(schema: unknown, value: unknown): unknown {
  if (
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  ) return bare(schema.unwrap(), value);
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const { discriminator } = schema.def;
    return schema.options.find((option) =>
      option instanceof z.ZodObject &&
      z.safeParse(option.shape[discriminator], child(value, discriminator)).success
    );
  }
  return schema;
}

/** The keys that may stand at a path. */
function knownKeys(
  schema: unknown,
  value: unknown,
  path: readonly PropertyKey[],
): string[] {
  const here = bare(schema, value);
  const [key, ...rest] = path;
  if (key === undefined) {
    return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
  }
  const inner = here instanceof z.ZodObject
    ? here.shape[String(key)]
    : here instanceof z.ZodRecord
    ? here.valueType
    : here instanceof z.ZodArray
    ? here.element
    : undefined;
  return knownKeys(inner, child(value, key), rest);
}

function unknownValue(value: unknown, all: readonly unknown[]): string {
  const known = all.filter((one) => one !== undefined); // a name that may be left out
  const list = known.map((one) => JSON.stringify(one)).join(", ");
  if (value === undefined) return `is required: one of ${list}`;
  const near = typeof value === "string" ? suggestion(value, known.map(String)) : "";
  return `must be one of ${list}: received ${JSON.stringify(value)}${near}`;
}

function linesOf(issue: Issue, schema: unknown, root: unknown): string[] {
  const at = issue.path.map(String).join(".");
  const value = issue.path.reduce(child, root);
  const line = (message: string) => [`${at === "" ? "(top level)" : at}: ${message}`];

  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schema, root, issue.path);
    return issue.keys.flatMap((key) =>
      line(`Unrecognized key: "${key}"${suggestion(key, known)}`)
    );
  }
  if (issue.code === "invalid_union" && "options" in issue) {
    return line(unknownValue(value, issue.options as unknown[])); // the names of a union
  }
  if (issue.code === "invalid_value") return line(unknownValue(value, issue.values));
  if (issue.code === "invalid_key") {
    return line(issue.issues[0]?.message ?? issue.message);
  }
  if (issue.code === "invalid_type" && value === undefined) return line("is required");
  if (issue.code === "invalid_type" && /^(object|record)$/.test(issue.expected)) {
    const keys = knownKeys(schema, root, issue.path);
    const list = keys.map((key) => JSON.stringify(key)).join(", ");
    return line(
      `must be a mapping${list && ` with keys of ${list}`}: received ` +
        JSON.stringify(value),
    );
  }
  return line(issue.message);
}

/**
 * Says every problem at once, each with its path.
 *
 * @param error What the schema found.
 * @param schema The schema; tells which key was meant by an unknown one.
 * @param root What was checked.
 * @returns Lines of the form `data.crop.height: Too small: …`.
 */
export function problemLines(
  error: z.ZodError,
  schema: z.ZodType,
  root: unknown,
): string[] {
  return error.issues.flatMap((issue) => linesOf(issue, schema, root));
}
