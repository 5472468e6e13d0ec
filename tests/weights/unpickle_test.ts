// Pickles as training programs and as enemies write them: data, or refused by name.
import assert from "node:assert/strict";
import { unpickle } from "../../src/weights/unpickle.ts";

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

const reject = (reason: string): never => {
  throw new SyntaxError(reason);
};

const read = (pickle: string) => unpickle(ascii(`\x80\x02${pickle}.`), 0, reject).value;

const opaque = (className: string) => ({ kind: "opaque", className });

/** Classes as Python names them, and how their objects are pickled. */
const HARMLESS: readonly (readonly [module: string, name: string, rest: string])[] = [
  // HistoryBuffer: a new object and its attributes.
  ["mmengine.logging.history_buffer", "HistoryBuffer", ")\x81}K\x01K\x02sb"],
  ["argparse", "Namespace", ")\x81}(K\x01K\x02K\x03K\x04ub"],
  // An array: made empty, then its version, shape, type, order and bytes.
  [
    "numpy.core.multiarray",
    "_reconstruct",
    "cnumpy\nndarray\nK\0\x85U\x01b\x87R(K\x01tb",
  ],
  // An array in protocol 5: its bytes, type, shape and order.
  [
    "numpy._core.numeric",
    "_frombuffer",
    "(U\x01acnumpy\ndtype\n(U\x02u1K\0K\x01tRK\x01\x85U\x01CtR",
  ],
  ["numpy._core.multiarray", "scalar", "cnumpy\ndtype\n(U\x02f8K\0K\x01tR\x85R"],
  ["pathlib", "PosixPath", "U\x01/U\x03tmp\x86R"],
  ["pathlib._local", "WindowsPath", "U\x03C:\\\x85R"],
  ["__builtin__", "set", "](K\x01K\x02e\x85R"],
  ["builtins", "frozenset", "]\x85R"],
  ["datetime", "datetime", "c_codecs\nencode\nU\x01aU\x06latin1\x86R\x85R"],
  // A queue: a call, then items; a dictionary of a subclass: a new object, then items.
  ["collections", "deque", ")R(K\x01K\x02e"],
  ["collections", "Counter", "}\x85R"],
  ["yacs.config", "CfgNode", ")\x81(K\x01K\x02K\x03K\x04u}b"],
  ["easydict", "EasyDict", ")\x81K\x01K\x02s"],
  ["torch", "device", "U\x04cuda\x85R"],
  ["torch.serialization", "_get_layout", "U\x0dtorch.strided\x85R"],
];

for (const [module, name, rest] of HARMLESS) {
  Deno.test(`unpickle() leaves out a ${module}.${name} unread`, () => {
    assert.deepEqual(read(`c${module}\n${name}\n${rest}`), opaque(`${module}.${name}`));
  });
}

Deno.test("unpickle() reads a defaultdict as a dictionary", () => {
  const empty = "ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R";
  assert.deepEqual(read(`${empty}K\x01K\x02s`), new Map([[1, 2]]));
});

Deno.test("unpickle() reads the sets and bytes of later protocols", () => {
  const eight = "\x01\0\0\0\0\0\0\0";
  assert.deepEqual(read("\x8f(K\x01K\x02\x90"), [1, 2]); // EMPTY_SET, ADDITEMS
  assert.deepEqual(read("(K\x01K\x02\x91"), [1, 2]); // FROZENSET
  assert.deepEqual(read(`\x8e${eight}a`), "a"); // BINBYTES8
  assert.deepEqual(read(`\x96${eight}a`), "a"); // BYTEARRAY8
});

const EVIL = [
  "posix.system",
  "os.system",
  "nt.system",
  "builtins.eval",
  "__builtin__.eval",
  "builtins.exec",
  "builtins.getattr",
  "builtins.__import__",
  "builtins.open",
  "subprocess.Popen",
  "importlib.import_module",
  "runpy.run_path",
  "functools.partial",
  "operator.attrgetter",
  "copyreg._reconstructor",
  "torch.load",
  "torch.storage._load_from_bytes",
  "torch.hub.load",
  "numpy.load",
  "numpy.core.multiarray.fromfile",
  "pathlib.Path.write_text",
  "argparse.FileType",
  "collections.OrderedDict.__init__",
  "mmengine.logging.history_buffer.HistoryBuffer.statistics",
  "mine.Network",
];

for (const path of EVIL) {
  Deno.test(`unpickle() refuses ${path} by its name, however it is named`, () => {
    const [, module = "", name = ""] = /^(.*)\.([^.]*)$/.exec(path) ?? [];
    const text = (value: string) => `\x8c${String.fromCharCode(value.length)}${value}`;
    const message = new RegExp(`it refers to "${RegExp.escape(path)}"`);
    for (
      const pickle of [
        `c${module}\n${name}\n0N`, // pushed and popped
        `c${module}\n${name}\nU\x01a\x85R`,
        `c${module}\n${name}\n)\x81`,
        `${text(module)}${text(name)}\x93)R`,
        `(i${module}\n${name}\n`,
        // Inside of what is left out: in the attributes and in the arguments.
        `cargparse\nNamespace\n)\x81}U\x01ac${module}\n${name}\n)Rsb`,
        `ccollections\ndeque\nc${module}\n${name}\n)R\x85R`,
      ]
    ) assert.throws(() => read(pickle), { name: "SyntaxError", message });
  });
}

Deno.test("unpickle() refuses tensors of other kinds as such", () => {
  for (
    const path of [
      "torch._utils._rebuild_qtensor",
      "torch._utils._rebuild_sparse_tensor",
      "torch._utils._rebuild_tensor_v3",
      "torch.ComplexFloatStorage",
      "torch.storage.UntypedStorage",
    ]
  ) {
    const at = path.lastIndexOf(".");
    assert.throws(() => read(`c${path.slice(0, at)}\n${path.slice(at + 1)}\n`), {
      name: "SyntaxError",
      message: new RegExp(`a tensor of another kind \\("${RegExp.escape(path)}"\\)`),
    });
  }
});

Deno.test("unpickle() reads a tensor with attributes without them", () => {
  const storage = "(U\x07storagectorch\nByteStorage\nU\x010U\x03cpuK\0tQ";
  const args = `(${storage}K\0K\0\x85K\x01\x85\x89Nt`;
  const plain = read(`ctorch._utils\n_rebuild_tensor_v2\n${args}R`);
  const call = (rebuild: string, type: string) =>
    `ctorch._tensor\n_rebuild_from_type_v2\n(${rebuild}${type}${args}}U\x04noteK\x01stR`;
  const rebuild = "ctorch._utils\n_rebuild_tensor_v2\n";
  assert.deepEqual(read(call(rebuild, "ctorch\nTensor\n")), plain);
  const parameter = "ctorch.nn.parameter\nParameter\n";
  assert.deepEqual(read(call(rebuild, parameter)), plain);
  for (
    const [theirs, type] of [
      [rebuild, "ctorch\nfloat32\n"],
      ["cargparse\nNamespace\n", "ctorch\nTensor\n"],
      [rebuild, "N"],
    ] as const
  ) assert.throws(() => read(call(theirs, type)), /attributes is made of something else/);
  assert.throws(() => read(call(rebuild, "cmine\nTensor\n")), /"mine\.Tensor"/);
});

Deno.test("unpickle() refuses what makes objects in other ways", () => {
  const namespace = "cargparse\nNamespace\n";
  for (
    const [pickle, message] of [
      [`(${namespace}o`, /opcode 0x6f/], // OBJ
      [`${namespace})}\x92`, /opcode 0x92/], // NEWOBJ_EX
      ["\x82\x01", /opcode 0x82/], // EXT1
      ["P1\n", /opcode 0x50/], // PERSID
      ["ctorch\nfloat32\n)R", /cannot be called/],
      ["cnumpy\nndarray\n)R", /cannot be called/],
      ["cbuiltins\nEllipsis\n)R", /cannot be called/],
      [`${namespace})\x81)R`, /cannot be called/],
      ["}K\x01b", /attributes to a value that has none/],
      ["K\x01}b", /attributes to a value that has none/],
      [`${namespace}}b`, /attributes to a value that has none/],
    ] as const
  ) assert.throws(() => read(pickle), { name: "SyntaxError", message });
});
