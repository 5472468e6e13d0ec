import assert from "node:assert/strict";
import { join } from "node:path";
import {
  BYTES_PER_ELEMENT,
  type DataType,
  type HostTensor,
} from "../../src/core/host_tensor.ts";
import { encodeSafetensors } from "../support/safetensors.ts";
import { readTorchFile } from "../../src/weights/torch_file.ts";
import { writeTorchFile } from "../../src/weights/write_torch_file.ts";

/** Every type, a scalar, an empty tensor and a name beyond ASCII. */
function samples(): Map<string, HostTensor> {
  const tensors = new Map<string, HostTensor>();
  for (const [i, dtype] of Object.keys(BYTES_PER_ELEMENT).entries()) {
    const type = dtype as DataType;
    const bytes = Uint8Array.from(
      { length: 6 * BYTES_PER_ELEMENT[type] },
      (_, j) => type === "BOOL" ? j % 2 : (7 * i + j) % 64,
    );
    tensors.set(`layer.${dtype}`, { dtype: type, shape: [2, 3], bytes });
  }
  tensors.set("scalar", { dtype: "I64", shape: [], bytes: new Uint8Array(8).fill(1) });
  tensors.set("empty", { dtype: "F32", shape: [0, 4], bytes: new Uint8Array(0) });
  tensors.set("größe.θ", { dtype: "U8", shape: [1, 300], bytes: new Uint8Array(300) });
  return tensors;
}

async function python(...args: string[]): Promise<string | null> {
  try {
    const command = new Deno.Command("python3", { args });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout) : null;
  } catch {
    return null; // there is none
  }
}

Deno.test("writeTorchFile() writes what readTorchFile() reads, in the same order", async () => {
  await inFolder(async (folder) => {
    for (const tensors of [samples(), new Map([...samples()].slice(0, 1))]) {
      const path = join(folder, "weights.pth");
      await writeTorchFile(path, tensors);
      const file = await readTorchFile(path);
      assert.deepEqual([...file.tensors], [...tensors]);
    }
  });
});

Deno.test("writeTorchFile() refuses bytes that do not fit the shape", async () => {
  const wrong: HostTensor = { dtype: "F32", shape: [2], bytes: new Uint8Array(7) };
  await assert.rejects(writeTorchFile("never.pth", new Map([["a", wrong]])), {
    name: "RangeError",
    message:
      'Cannot write tensor "a" of shape [2] and dtype F32: it needs 8 bytes and has 7',
  });
});

const COMPARE = `
import json, struct, sys, torch
types = dict(F64=torch.float64, F32=torch.float32, F16=torch.float16, BF16=torch.bfloat16,
             I64=torch.int64, I32=torch.int32, I16=torch.int16, I8=torch.int8,
             U8=torch.uint8, BOOL=torch.bool)
got = torch.load(sys.argv[1], weights_only=True)
mapped = torch.load(sys.argv[1], weights_only=True, mmap=True)
data = open(sys.argv[2], "rb").read()
length, = struct.unpack("<Q", data[:8])
header = json.loads(data[8:8 + length])
assert set(got) == set(header), (list(got), list(header))
for name, entry in header.items():
    a, b = entry["data_offsets"]
    for tensor in got[name], mapped[name]:
        assert tensor.dtype == types[entry["dtype"]], name
        assert list(tensor.shape) == entry["shape"] and tensor.is_contiguous(), name
        raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if b > a else b""
        assert raw == data[8 + length + a:8 + length + b], name
torch.save(got, sys.argv[3])
torch.save(got, sys.argv[4], _use_new_zipfile_serialization=False)
print("same")
`;
import { inFolder } from "../support/files.ts";

Deno.test({
  name: "writeTorchFile() writes what PyTorch loads, whose own files are read back",
  ignore: await python("-c", "import torch, numpy") === null,
  fn: async () => {
    await inFolder(async (folder) => {
      const tensors = samples();
      const at = (name: string) => join(folder, name);
      await writeTorchFile(at("ours.pth"), tensors);
      await Deno.writeFile(at("ours.safetensors"), encodeSafetensors(tensors));
      const files = ["ours.pth", "ours.safetensors", "new.pth", "old.pth"].map(at);
      assert.equal(await python("-c", COMPARE, ...files), "same\n");
      for (const name of ["new.pth", "old.pth"]) {
        assert.deepEqual([...(await readTorchFile(at(name))).tensors], [...tensors]);
      }
    });
  },
});
