/** Compiling the WebAssembly kernels from their AssemblyScript sources. @module */
import { join } from "node:path";
import asc from "npm:assemblyscript@0.28.20/asc";

const ENTRY = "src/wasm/assembly/index.ts";

/** Where the compiled kernels are kept. */
export const BINARIES = "src/wasm/binaries.ts";

const OPTIONS = [
  "-O3",
  "--noAssert",
  "--runtime",
  "stub",
  "--importMemory",
  // Above 0: V8 computes products 8 % faster.
  "--initialMemory",
  "1",
  "--maximumMemory",
  "65536",
  "--enable",
  "simd",
];
const RELAXED_SIMD = ["--enable", "relaxed-simd"];
const BASE64_COLUMNS = 100;

/**
 * The text of {@linkcode BINARIES}, which depends on nothing but the sources.
 *
 * @param root Folder of the project.
 * @throws {Error} What the compiler says, if it does not accept them.
 */
export async function compileKernels(root: string): Promise<string> {
  const [baseline, relaxed] = [
    await compile(root, OPTIONS),
    await compile(root, [...OPTIONS, ...RELAXED_SIMD]),
  ];
  const names = WebAssembly.Module.exports(new WebAssembly.Module(baseline))
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => name);
  return [
    '/** Made from "assembly/" by "deno task wasm"; not to be edited. @module */',
    "",
    "/** The kernels: functions f(...args, begin, end, scratch). */",
    `export type KernelName =\n${names.map((name) => `  | "${name}"`).join("\n")};`,
    "",
    "/** The module for every engine, in base64. */",
    `export const BASELINE = \`\n${base64(baseline)}\`;`,
    "",
    "/** The module for engines with relaxed SIMD, in base64. */",
    `export const RELAXED = \`\n${base64(relaxed)}\`;`,
    "",
  ].join("\n");
}

async function compile(root: string, options: readonly string[]) {
  let binary: Uint8Array<ArrayBuffer> | null = null;
  const messages: string[] = [];
  const { error } = await asc.main([ENTRY, ...options, "--outFile", "kernels.wasm"], {
    stderr: { write: (text) => void messages.push(String(text)) },
    readFile: async (name, baseDir) =>
      await Deno.readTextFile(join(root, baseDir, name)).catch(() => null),
    writeFile(_name, contents) {
      binary = new Uint8Array(contents as Uint8Array);
    },
    listFiles: () => null,
  });
  if (error !== null || binary === null) {
    throw new Error(`Cannot compile the kernels: ${messages.join("")}`);
  }
  assertNoData(binary);
  return binary;
}

// In lines that an editor can show; atob ignores the breaks.
function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replace(new RegExp(`.{1,${BASE64_COLUMNS}}`, "g"), "$&\n");
}

const DATA_SECTION = 11;

// Data would be written to the heap of tfjs, over what is there.
function assertNoData(binary: Uint8Array): void {
  let at = 8; // after magic number and version
  while (at < binary.length) {
    const id = binary[at++];
    let size = 0;
    for (let shift = 0;; shift += 7) {
      const byte = binary[at++] ?? 0;
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (id === DATA_SECTION) {
      throw new Error(
        "Cannot use the kernels: they have static data, such as the tables of Math.log",
      );
    }
    at += size;
  }
}
