/**
 * What the doc comments of TypeScript files say, through `deno doc --json`: the one place
 * where the meaning of a setting is written down.
 *
 * @module
 */
import * as z from "../../src/core/zod.ts";

/** A type as `deno doc` describes it, as far as it is needed here. */
export type DocType =
  | { readonly kind: "union" | "intersection"; readonly value: readonly DocType[] }
  | { readonly kind: "array"; readonly value: DocType }
  | { readonly kind: "tuple"; readonly value: readonly DocType[] }
  | { readonly kind: "typeOperator"; readonly value: { readonly tsType: DocType } }
  | { readonly kind: "typeLiteral"; readonly value: { readonly properties: Member[] } }
  | {
    readonly kind: "typeRef";
    readonly value: {
      readonly typeName: string;
      readonly typeParams?: readonly DocType[] | undefined;
    };
  }
  | { readonly kind: "literal"; readonly repr: string }
  | { readonly kind: "other" };

interface Member {
  readonly name: string;
  readonly doc: string;
  readonly type: DocType;
}

/** An object type: what it is and what its fields mean. */
export interface ObjectDoc {
  /** Empty for a type without a name. */
  readonly name: string;
  readonly doc: string;
  readonly members: ReadonlyMap<string, Member>;
}

const JsDoc = z.object({ doc: z.string().default("") }).default({ doc: "" });

const MemberSchema = z.object({
  name: z.string(),
  jsDoc: JsDoc,
  get tsType(): z.ZodType<DocType> {
    return TypeSchema;
  },
}).transform(({ name, jsDoc, tsType }): Member => ({
  name,
  doc: plainText(jsDoc.doc),
  type: tsType,
}));

const TypeSchema: z.ZodType<DocType> = z.lazy(() =>
  z.union([
    z.object({ kind: z.literal(["union", "intersection"]), value: z.array(TypeSchema) }),
    z.object({ kind: z.literal("array"), value: TypeSchema }),
    z.object({ kind: z.literal("tuple"), value: z.array(TypeSchema) }),
    z.object({
      kind: z.literal("typeOperator"),
      value: z.object({ tsType: TypeSchema }),
    }),
    z.object({
      kind: z.literal("typeLiteral"),
      value: z.object({ properties: z.array(MemberSchema) }),
    }),
    z.object({
      kind: z.literal("typeRef"),
      value: z.object({
        typeName: z.string(),
        typeParams: z.array(TypeSchema).nullish().transform((all) => all ?? undefined),
      }),
    }),
    z.object({ kind: z.literal("literal"), repr: z.string() }),
    z.unknown().transform(() => ({ kind: "other" as const })),
  ])
);

const InterfaceSchema = z.object({
  kind: z.literal("interface"),
  jsDoc: JsDoc,
  def: z.object({
    extends: z.array(TypeSchema).default([]),
    properties: z.array(MemberSchema).default([]),
  }),
});

const AliasSchema = z.object({
  kind: z.literal("typeAlias"),
  jsDoc: JsDoc,
  def: z.object({ tsType: TypeSchema }),
});

const DocJson = z.object({
  nodes: z.record(
    z.string(),
    z.object({
      symbols: z.array(z.object({
        name: z.string(),
        declarations: z.array(z.union([
          InterfaceSchema,
          AliasSchema,
          z.unknown().transform(() => null),
        ])),
      })),
    }),
  ),
});

type Declaration = z.output<typeof InterfaceSchema> | z.output<typeof AliasSchema>;

/** Text on one line; `{@linkcode Name}` becomes `` `Name` ``. */
function plainText(doc: string): string {
  return doc.trim()
    .replace(/\{@link(?:code|plain)?\s+([^}|\s]+)[^}]*\}/g, "`$1`")
    .replace(/\s*\n\s*/g, " ");
}

/** The documented types of some files, by name. */
export class TypeDocs {
  readonly #declarations: ReadonlyMap<string, Declaration>;

  constructor(declarations: ReadonlyMap<string, Declaration>) {
    this.#declarations = declarations;
  }

  /**
   * The object types that a value of a type may have; null, text and numbers are left out.
   *
   * @throws {RangeError} If a type that it names is in none of the files.
   */
  objectsOf(type: DocType): readonly ObjectDoc[] {
    switch (type.kind) {
      case "union":
        return type.value.flatMap((one) => this.objectsOf(one));
      case "intersection": {
        const parts = type.value.flatMap((one) => this.objectsOf(one));
        const members = parts.flatMap((part) => [...part.members]);
        return [{ name: "", doc: parts[0]?.doc ?? "", members: new Map(members) }];
      }
      case "typeOperator":
        return this.objectsOf(type.value.tsType);
      case "typeLiteral":
        return [{ name: "", doc: "", members: membersByName(type.value.properties) }];
      case "typeRef": {
        const { typeName, typeParams = [] } = type.value;
        const [inner] = typeParams;
        if (typeName === "Readonly" && inner !== undefined) return this.objectsOf(inner);
        if (typeName === "Record") return [];
        return this.#named(typeName);
      }
      default:
        return [];
    }
  }

  /** The type of the elements of a list, or of the values of a record. */
  elementType(type: DocType): DocType {
    switch (type.kind) {
      case "array":
        return type.value;
      case "typeOperator":
        return this.elementType(type.value.tsType);
      case "union":
        return type.value.map((one) => this.elementType(one))
          .find(({ kind }) => kind !== "other") ?? { kind: "other" };
      case "typeRef": {
        const { typeName, typeParams = [] } = type.value;
        const last = typeParams.at(-1);
        if (last !== undefined) {
          return typeName === "Readonly" ? this.elementType(last) : last;
        }
        const declaration = this.#declarations.get(typeName);
        return declaration?.kind === "typeAlias"
          ? this.elementType(declaration.def.tsType)
          : { kind: "other" };
      }
      default:
        return { kind: "other" };
    }
  }

  #named(name: string): readonly ObjectDoc[] {
    const declaration = this.#declarations.get(name);
    if (declaration === undefined) {
      throw new RangeError(`Cannot document the type "${name}": no file exports it`);
    }
    if (declaration.kind === "typeAlias") return this.objectsOf(declaration.def.tsType);
    const inherited = declaration.def.extends.flatMap((one) => this.objectsOf(one));
    const members = [...inherited.flatMap((one) => [...one.members])];
    return [{
      name,
      doc: plainText(declaration.jsDoc.doc),
      members: new Map([...members, ...membersByName(declaration.def.properties)]),
    }];
  }
}

function membersByName(members: readonly Member[]): Map<string, Member> {
  return new Map(members.map((member) => [member.name, member]));
}

/** The texts of a type that is a literal, or a union of literals. */
export function literalsOf(type: DocType): readonly string[] {
  if (type.kind === "literal") return [type.repr];
  return type.kind === "union" ? type.value.flatMap(literalsOf) : [];
}

/**
 * Reads the doc comments of files.
 *
 * @param files Paths of TypeScript files.
 * @throws {Error} If `deno doc` fails.
 */
export async function readTypeDocs(files: readonly string[]): Promise<TypeDocs> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...files],
  }).output();
  if (!success) {
    throw new Error(`Cannot read doc comments: ${new TextDecoder().decode(stderr)}`);
  }
  const { nodes } = DocJson.parse(JSON.parse(new TextDecoder().decode(stdout)));
  const declarations = new Map<string, Declaration>();
  for (const { symbols } of Object.values(nodes)) {
    for (const symbol of symbols) {
      for (const declaration of symbol.declarations) {
        if (declaration !== null) declarations.set(symbol.name, declaration);
      }
    }
  }
  return new TypeDocs(declarations);
}
