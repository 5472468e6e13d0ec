/**
 * The JSON schema of a configuration file: limits and defaults from zod, descriptions from
 * the doc comments of the interfaces.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { RunSchema } from "../../src/config/schema.ts";
import * as z from "../../src/core/zod.ts";
import { type DocType, literalsOf, readTypeDocs, type TypeDocs } from "./type_docs.ts";

/** The part of JSON schema (draft 7) that a configuration needs. */
export interface JsonSchema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

const FILES = [
  "../../src/config/schema.ts",
  "../../src/config/model.ts",
  "../../src/config/encoder.ts",
  "../../src/config/decoder.ts",
  "../../src/config/augmentation.ts",
  "../../src/config/data.ts",
  "../../src/config/optimizer.ts",
  "../../src/config/method.ts",
  "../../src/config/criterion.ts",
  "../../src/config/ranges.ts",
  "../../src/core/host_batch.ts",
  "../../src/data/native_classes.ts",
].map((path) => fileURLToPath(import.meta.resolve(path)));

/** @throws {RangeError} If a key of the schema has no doc comment. */
export async function describedConfigSchema(): Promise<JsonSchema> {
  const docs = await readTypeDocs(FILES);
  const schema = z.toJSONSchema(RunSchema, { io: "input", target: "draft-7" });
  const described = describe(
    withoutIntegerLimits(schema as JsonSchema),
    { kind: "typeRef", value: { typeName: "RunConfig" } },
    docs,
    "",
  );
  return {
    ...described,
    title: "A run of fst",
    description: "Everything a run depends on. deno task train FILE",
  };
}

/** Every integer has the limits of float64 otherwise. */
function withoutIntegerLimits(schema: JsonSchema): JsonSchema {
  return JSON.parse(
    JSON.stringify(schema),
    (key, value) =>
      (key === "maximum" && value === Number.MAX_SAFE_INTEGER) ||
        (key === "minimum" && value === Number.MIN_SAFE_INTEGER)
        ? undefined
        : value,
  );
}

/** Adds descriptions from the type of which the schema's values are. */
function describe(
  schema: JsonSchema,
  type: DocType,
  docs: TypeDocs,
  path: string,
): JsonSchema {
  if (schema.anyOf !== undefined) {
    const anyOf = schema.anyOf.map((one) => describe(one, type, docs, path));
    return { ...schema, anyOf };
  }
  if (schema.oneOf !== undefined) {
    return {
      ...schema,
      oneOf: schema.oneOf.map((one) => describe(one, type, docs, path)),
    };
  }
  if (schema.properties !== undefined) return describeObject(schema, type, docs, path);
  const { additionalProperties, items } = schema;
  if (typeof additionalProperties === "object") {
    const values = describe(
      additionalProperties,
      docs.elementType(type),
      docs,
      `${path}.*`,
    );
    return { ...schema, additionalProperties: values };
  }
  if (items !== undefined && !Array.isArray(items)) {
    const item = items as JsonSchema;
    return {
      ...schema,
      items: describe(item, docs.elementType(type), docs, `${path}[]`),
    };
  }
  return schema;
}

function describeObject(
  schema: JsonSchema,
  type: DocType,
  docs: TypeDocs,
  path: string,
): JsonSchema {
  const given = schema.properties ?? {};
  const fitting = docs.objectsOf(type).find(({ members }) =>
    Object.entries(given).every(([key, value]) => {
      const member = members.get(key);
      if (member === undefined) return false;
      const names = discriminatorValues(value);
      const literals = literalsOf(member.type);
      return literals.length === 0 || names.length === 0 ||
        names.some((name) => literals.includes(name));
    })
  );
  if (fitting === undefined) {
    throw new RangeError(
      `Cannot document "${path}": no type has all of ${Object.keys(given).join(", ")}`,
    );
  }
  const properties: Record<string, JsonSchema> = {};
  for (const [key, value] of Object.entries(given)) {
    const member = fitting.members.get(key);
    const at = path === "" ? key : `${path}.${key}`;
    if (member === undefined || member.doc === "") {
      throw new RangeError(`Cannot document "${at}": its field has no doc comment`);
    }
    const described = describe(value, member.type, docs, at);
    properties[key] = { ...described, description: member.doc };
  }
  return { description: fitting.doc, ...schema, properties };
}

/** The names of a variant: `const: "mit"`, or an `enum` of presets. */
export function discriminatorValues(
  { const: value, enum: values }: JsonSchema,
): string[] {
  return [...(value === undefined ? [] : [value]), ...(values ?? [])].filter((one) =>
    typeof one === "string"
  );
}
