/** What is wrong with a configuration, a line per problem. @module */

import * as z from "../core/zod.ts";
import { didYouMean } from "./did_you_mean.ts";
import { RENAMED_KEYS } from "./renamed_keys.ts";

type Issue = z.core.$ZodIssue;

/** So many names are listed of those that have a key. */
const MAX_OWNERS = 6;

const property = (value: unknown, key: PropertyKey): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined;

/** A schema without defaults and nulls; of a value or a list of such, the one that fits. */
function unwrapSchema(schema: unknown, value: unknown): unknown {
  if (
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable || schema instanceof z.ZodOptional
  ) return unwrapSchema(schema.unwrap(), value);
  if (schema instanceof z.ZodPipe) return unwrapSchema(schema.in, value);
  if (schema instanceof z.ZodUnion && !(schema instanceof z.ZodDiscriminatedUnion)) {
    const isFitting = (option: unknown) =>
      option instanceof z.ZodArray === Array.isArray(value);
    return unwrapSchema(schema.options.find(isFitting), value);
  }
  return schema;
}

/** One of the objects that a schema stands for, and the names by which it is chosen. */
interface Alternative {
  readonly names: readonly string[];
  readonly keys: readonly string[];
  readonly schema: z.ZodObject;
  readonly isChosen: boolean;
}

/** All objects that may stand in the place of a value; the only one has no name. */
function alternatives(schema: unknown, value: unknown): Alternative[] {
  const unwrapped = unwrapSchema(schema, value);
  if (unwrapped instanceof z.ZodObject) {
    const keys = Object.keys(unwrapped.shape);
    return [{ names: [], keys, schema: unwrapped, isChosen: true }];
  }
  if (!(unwrapped instanceof z.ZodDiscriminatedUnion)) return [];
  const { discriminator } = unwrapped.def;
  return unwrapped.options.flatMap((option) => alternatives(option, value))
    .map(({ keys, schema }) => {
      const name = schema.shape[discriminator];
      const isChosen = z.safeParse(name, property(value, discriminator)).success;
      const literal = unwrapSchema(name, undefined);
      const all = literal instanceof z.ZodLiteral
        ? [...literal.values]
        : literal instanceof z.ZodEnum
        ? literal.options
        : [];
      return { names: all.map(String), keys, schema, isChosen };
    });
}

/** The part of a schema that the value at a path is checked by. */
function schemaAt(
  schema: unknown,
  value: unknown,
  [key, ...rest]: readonly PropertyKey[],
): unknown {
  if (key === undefined) return schema;
  const unwrapped = unwrapSchema(schema, value);
  const inner = unwrapped instanceof z.ZodRecord
    ? unwrapped.valueType
    : unwrapped instanceof z.ZodArray
    ? unwrapped.element
    : chosen(alternatives(schema, value))?.schema.shape[String(key)];
  return schemaAt(inner, property(value, key), rest);
}

const chosen = (all: readonly Alternative[]) => all.find(({ isChosen }) => isChosen);

/** What else could stand at a path, for a key that it does not have. */
function ownersOf(key: string, all: readonly Alternative[]): string {
  const owners = all.filter(({ keys }) => keys.includes(key)).flatMap(({ names }) =>
    names
  );
  const [own] = chosen(all)?.names ?? [];
  if (owners.length === 0 || own === undefined) return "";
  const list = owners.slice(0, MAX_OWNERS).map((name) => `"${name}"`).join(", ");
  const more = owners.length > MAX_OWNERS ? ", …" : "";
  return `, which is one of ${list}${more}, not of "${own}"`;
}

/** Keys that were below a path in earlier versions, with their present paths from there. */
function earlierKeys(at: string): Map<string, string> {
  const parentOf = (path: string) => path.slice(0, path.lastIndexOf("."));
  return new Map(
    Object.entries(RENAMED_KEYS)
      .filter(([old, now]) => [parentOf(old), parentOf(now)].includes(at))
      .filter(([, now]) => now.startsWith(`${at}.`))
      .map((
        [old, now],
      ) => [old.slice(old.lastIndexOf(".") + 1), now.slice(at.length + 1)]),
  );
}

/** What a value has to be, by what its schema calls it. */
const KINDS: Readonly<Record<string, string>> = {
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  string: "text",
  array: "a list",
  tuple: "a list",
};

function invalidValueLine(value: unknown, all: readonly unknown[]): string {
  const known = all.filter((one) => one !== undefined); // a name that may be left out
  const list = known.map((one) => JSON.stringify(one)).join(", ");
  if (value === undefined) return `is required: one of ${list}`;
  const words = known.filter((one) => typeof one === "string");
  const near = typeof value === "string" ? didYouMean(value, words) : "";
  return `must be one of ${list}: received ${JSON.stringify(value)}${near}`;
}

function issueLines(issue: Issue, schema: unknown, root: unknown): string[] {
  const at = issue.path.map(String).join(".");
  const value = issue.path.reduce(property, root);
  const line = (message: string) => [`${at === "" ? "(top level)" : at}: ${message}`];

  if (issue.code === "unrecognized_keys") {
    const earlier = earlierKeys(at);
    const all = alternatives(schemaAt(schema, root, issue.path), value);
    const known = [...chosen(all)?.keys ?? [], ...earlier.keys()];
    return issue.keys.flatMap((key) => {
      const cure = ownersOf(key, all) || didYouMean(key, known, earlier);
      return line(`Unrecognized key: "${key}"${cure}`);
    });
  }
  if (issue.code === "invalid_union" && "options" in issue) {
    return line(invalidValueLine(value, issue.options as unknown[])); // the names of a union
  }
  if (issue.code === "invalid_union" && "errors" in issue) {
    // Of the alternatives, the one that the value is of the kind of.
    const isOther = ({ code, path }: Issue) =>
      path.length === 0 &&
      (code === "invalid_type" || code === "invalid_value" && typeof value !== "string");
    const fitting = issue.errors.find((all) => !all.some(isOther));
    if (fitting !== undefined) {
      return fitting.flatMap((inner) =>
        issueLines({ ...inner, path: [...issue.path, ...inner.path] }, schema, root)
      );
    }
  }
  if (issue.code === "invalid_value") return line(invalidValueLine(value, issue.values));
  if (issue.code === "invalid_key") {
    return line(issue.issues[0]?.message ?? issue.message);
  }
  if (issue.code === "invalid_type" && value === undefined) return line("is required");
  if (
    issue.code === "invalid_type" && issue.expected === "string" &&
    (typeof value === "number" || typeof value === "boolean")
  ) {
    return line(
      `must be text, which YAML reads as the ${typeof value} ${value}: put it in quotes, ` +
        `as in ${at.split(".").at(-1)}: "0016E5"; on the command line, ${at}='"0016E5"'`,
    );
  }
  if (issue.code === "invalid_type" && /^(object|record)$/.test(issue.expected)) {
    const keys = chosen(alternatives(schemaAt(schema, root, issue.path), value))?.keys ??
      [];
    const list = keys.map((key) => JSON.stringify(key)).join(", ");
    return line(
      `must be a mapping${list && ` with keys of ${list}`}: received ` +
        JSON.stringify(value),
    );
  }
  if (issue.code === "invalid_type" && Object.hasOwn(KINDS, issue.expected)) {
    const received = typeof value === "number" ? String(value) : JSON.stringify(value);
    return line(`must be ${KINDS[issue.expected]}: received ${received}`);
  }
  return line(issue.message);
}

/**
 * Says every problem at once, each with its path.
 *
 * @param error What the schema found.
 * @param schema The schema; tells which key was meant by an unknown one.
 * @param root What was checked.
 * @returns Lines of the form `data.cropSize.height: Too small: …`.
 */
export function problemLines(
  error: z.ZodError,
  schema: z.ZodType,
  root: unknown,
): string[] {
  return error.issues.flatMap((issue) => issueLines(issue, schema, root));
}
