/** The reference of all settings, as Markdown, from the JSON schema of a configuration. @module */
import { discriminatorValues, type JsonSchema } from "./config_schema.ts";

const HEADER = "| key | value | default | meaning |\n| --- | --- | --- | --- |";

/** Objects of these keys are written on one line and have no rows of their own. */
const PLAIN_OBJECTS = ["height,width", "color,name"];

/** Every setting of a run: a section per group, a table per variant, a row per key. */
export function configReference(schema: JsonSchema): string {
  const groups = Object.entries(schema.properties ?? {});
  const isGroup = (one: JsonSchema) =>
    one.properties !== undefined || one.oneOf !== undefined;
  const plain = groups.filter(([, one]) => !isGroup(one));
  const required = schema.required ?? [];
  return [
    "## The run",
    table(plain.flatMap(([key, one]) => rows(key, one, required.includes(key)))),
    ...groups.filter(([, one]) => isGroup(one)).map(([key, one]) => section(key, one, 2)),
  ].join("\n\n");
}

/** A group: one table, or what its variants share and then a table for each. */
function section(path: string, schema: JsonSchema, level: number, of = ""): string {
  const heading = `${"#".repeat(level)} \`${path}\`${of}`;
  const intro = [heading, schema.description ?? ""];
  const variants = objectVariants(schema);
  if (variants.length === 1) {
    return joined([...intro, ...body(path, variants[0] ?? {}, level, new Set())]);
  }
  const shared = sharedKeys(variants);
  const groups = groupsOfSomeVariants(variants, shared);
  const keysOfGroups = new Set(groups.map(({ key }) => key));
  return joined([
    ...intro,
    ...(shared.size === 0 ? [] : [
      "Every kind has these keys.",
      ...body(
        path,
        pick(variants[0] ?? {}, (key) => shared.has(key)),
        level,
        keysOfGroups,
      ),
    ]),
    ...variants.flatMap((variant) => {
      const own = pick(
        variant,
        (key) => !shared.has(key) && !isDiscriminator(variant, key),
      );
      return [
        `${"#".repeat(level + 1)} ${inCode(variantNames(variant))}${
          isDefaultVariant(variant) ? " (the default)" : ""
        }`,
        variant.description ?? "",
        ...body(path, own, level + 1, keysOfGroups),
      ];
    }),
    ...groups.flatMap(({ key, one, names, isOneOfMany }) => {
      const of = isOneOfMany ? ` of ${inCode(names)}` : "";
      return [section(`${path}.${key}`, one, level + 1, of)];
    }),
  ]);
}

const joined = (parts: readonly string[]) => parts.filter(Boolean).join("\n\n");

const inCode = (names: readonly string[]) =>
  names.map((name) => `\`${name}\``).join(", ");

/** A key that holds a group in several variants, and the variants in which it is the same. */
interface GroupOfVariants {
  readonly key: string;
  readonly one: JsonSchema;
  readonly names: readonly string[];
  /** Whether other variants have the key with other limits or defaults. */
  readonly isOneOfMany: boolean;
}

/** Groups that would stand in the tables of several variants, once each. */
function groupsOfSomeVariants(
  variants: readonly JsonSchema[],
  shared: ReadonlySet<string>,
): GroupOfVariants[] {
  const found = new Map<string, { key: string; one: JsonSchema; names: string[] }>();
  for (const variant of variants) {
    for (const [key, one] of Object.entries(variant.properties ?? {})) {
      const rowsInside = objectVariants(one).flatMap(({ properties = {} }) =>
        Object.keys(properties)
      );
      if (shared.has(key) || rowsInside.length < 4) continue;
      const id = `${key} ${JSON.stringify({ ...one, description: "" })}`;
      const known = found.get(id) ?? { key, one, names: [] };
      known.names.push(...variantNames(variant));
      found.set(id, known);
    }
  }
  const all = [...found.values()];
  const places = (key: string) => all.filter((one) => one.key === key);
  return all
    .filter(({ key }) => places(key).flatMap(({ names }) => names).length > 1)
    .map((group) => ({ ...group, isOneOfMany: places(group.key).length > 1 }));
}

/** The table of an object, and sections of those of its keys that have variants. */
function body(
  path: string,
  object: JsonSchema,
  level: number,
  elsewhere: ReadonlySet<string>,
): string[] {
  const entries = Object.entries(object.properties ?? {});
  const hasVariants = (one: JsonSchema) => objectVariants(one).length > 1;
  const inTable = objectRows(
    object,
    "",
    (key, one) =>
      hasVariants(one) || elsewhere.has(key) ? `see \`${path}.${key}\`` : null,
  );
  return [
    ...(inTable.length > 0 ? [table(inTable)] : ["It has no other keys."]),
    ...entries.filter(([key, one]) => hasVariants(one) && !elsewhere.has(key)).map((
      [key, one],
    ) => section(`${path}.${key}`, one, level + 1)),
  ];
}

/** A key and, where it is an object, what is inside, under dotted names. */
function rows(key: string, schema: JsonSchema, isRequired: boolean): string[] {
  const [object] = objectVariants(schema);
  const first = row(key, formatValue(schema), formatDefault(schema, isRequired), schema);
  if (object === undefined || isPlainObject(object)) return [first];
  const isRecord = typeof schema.additionalProperties === "object";
  const prefix = isRecord ? `${key}.NAME` : key;
  return [first, ...objectRows(object, prefix)];
}

/** The keys of an object; a group like one before it has no rows of its own. */
function objectRows(
  object: JsonSchema,
  prefix: string,
  referenceTo: (key: string, one: JsonSchema) => string | null = () => null,
): string[] {
  const required = object.required ?? [];
  const known = new Map<string, string>();
  return Object.entries(object.properties ?? {}).flatMap(([key, one]) => {
    const name = prefix === "" ? key : `${prefix}.${key}`;
    const isRequired = required.includes(key);
    const reference = referenceTo(key, one);
    if (reference !== null) {
      return [row(name, reference, formatDefault(one, isRequired), one)];
    }
    const [group] = objectVariants(one);
    if (group === undefined || isPlainObject(group)) return rows(name, one, isRequired);
    const content = JSON.stringify({ ...group, description: "", default: "" });
    const like = known.get(content);
    if (like === undefined) {
      known.set(content, name);
      return rows(name, one, isRequired);
    }
    const value = formatValue(one).replace("a group", `a group like \`${like}\``);
    return [row(name, value, formatDefault(one, isRequired), one)];
  });
}

function row(key: string, value: string, fallback: string, schema: JsonSchema): string {
  const cells = [`\`${key}\``, value, fallback, schema.description ?? ""];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

const table = (lines: readonly string[]) => [HEADER, ...lines].join("\n");

/** The objects that a value may be, through null, lists and records. */
function objectVariants(schema: JsonSchema): readonly JsonSchema[] {
  if (schema.properties !== undefined) return [schema];
  const { additionalProperties } = schema;
  if (typeof additionalProperties === "object") {
    return objectVariants(additionalProperties);
  }
  return [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].flatMap(objectVariants);
}

const isPlainObject = ({ properties = {} }: JsonSchema) =>
  PLAIN_OBJECTS.includes(Object.keys(properties).sort().join());

/** The key whose value says which variant an object is. */
function discriminatorOf({ properties = {} }: JsonSchema): string | undefined {
  return ["name", "kind"].find((key) => {
    const { const: value, enum: values } = properties[key] ?? {};
    return value !== undefined || values !== undefined;
  });
}

const isDiscriminator = (variant: JsonSchema, key: string) =>
  discriminatorOf(variant) === key;

function variantNames(variant: JsonSchema): string[] {
  return discriminatorValues(variant.properties?.[discriminatorOf(variant) ?? ""] ?? {});
}

/** Whether the name may be left out. */
function isDefaultVariant(variant: JsonSchema): boolean {
  return variant.properties?.[discriminatorOf(variant) ?? ""]?.default !== undefined;
}

/** Keys that have the same limits, default and meaning in every variant. */
function sharedKeys(variants: readonly JsonSchema[]): ReadonlySet<string> {
  const [first, ...others] = variants;
  const same = Object.entries(first?.properties ?? {}).filter(([key, one]) =>
    others.every(({ properties = {} }) =>
      JSON.stringify(properties[key]) === JSON.stringify(one)
    )
  );
  return new Set(same.map(([key]) => key));
}

function pick(object: JsonSchema, keep: (key: string) => boolean): JsonSchema {
  const entries = Object.entries(object.properties ?? {}).filter(([key]) => keep(key));
  return { ...object, properties: Object.fromEntries(entries) };
}

const code = (value: unknown) => `\`${formatYaml(value)}\``;

/** As one would write it in a file. */
function formatYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatYaml).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, one]) =>
      `${key}: ${formatYaml(one)}`
    );
    return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
  }
  const isPlain = typeof value !== "string" || /^[\w./+-]+$/.test(value);
  return isPlain ? String(value) : JSON.stringify(value);
}

function formatDefault(schema: JsonSchema, isRequired: boolean): string {
  if (schema.default === undefined) return isRequired ? "required" : "";
  return JSON.stringify(schema.default) === "{}" ? "" : code(schema.default);
}

/** What a value may be, in words. */
function formatValue(schema: JsonSchema): string {
  const { anyOf, oneOf, items, additionalProperties, properties } = schema;
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(", ");
  if (anyOf !== undefined) return anyOf.map(formatValue).join(" or ");
  if (oneOf !== undefined) return oneOf.map(formatValue).join(" or ");
  if (properties !== undefined) {
    if (!isPlainObject(schema)) return "a group";
    return `\`{ ${Object.keys(properties).join(", ")} }\``;
  }
  if (typeof additionalProperties === "object") {
    return `NAME: ${formatValue(additionalProperties)}`;
  }
  if (Array.isArray(items)) {
    const kinds = new Set(items.map(formatValue));
    return kinds.size === 1
      ? `${items.length} × ${[...kinds][0]}`
      : `[${items.map(formatValue).join(", ")}]`;
  }
  if (items !== undefined) return `a list of ${formatValue(items as JsonSchema)}`;
  switch (schema.type) {
    case "boolean":
      return "`true` or `false`";
    case "string":
      return "text";
    case "null":
      return "`null`";
    case "integer":
      return `integer${formatRange(schema)}`;
    case "number":
      return `number${formatRange(schema)}`;
    default:
      return "";
  }
}

function formatRange(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const isInteger = schema.type === "integer";
  const least = isInteger && exclusiveMinimum !== undefined
    ? exclusiveMinimum + 1
    : minimum;
  const parts = [
    least === undefined ? "" : `≥ ${least}`,
    isInteger || exclusiveMinimum === undefined ? "" : `> ${exclusiveMinimum}`,
    maximum === undefined ? "" : `≤ ${maximum}`,
    exclusiveMaximum === undefined ? "" : `< ${exclusiveMaximum}`,
    multipleOf === undefined ? "" : `a multiple of ${multipleOf}`,
  ].filter(Boolean);
  return parts.length === 0 ? "" : ` ${parts.join(", ")}`;
}
