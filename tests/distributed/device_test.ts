import assert from "node:assert/strict";
import { join } from "node:path";
import { chooseDevice, listGpus, selectDevice } from "../../src/distributed/device.ts";
import { inFolder } from "../support/files.ts";

const ON_LINUX = { ignore: Deno.build.os !== "linux" };
const GPUS = ["0000:41:00.0", "0000:c1:00.0"];

/** A folder of PCI devices: their addresses with class and vendor. */
async function writeDevices(
  folder: string,
  devices: Readonly<Record<string, readonly [kind: string, vendor: string]>>,
): Promise<void> {
  for (const [address, [kind, vendor]] of Object.entries(devices)) {
    await Deno.mkdir(join(folder, address));
    await Deno.writeTextFile(join(folder, address, "class"), `${kind}\n`);
    await Deno.writeTextFile(join(folder, address, "vendor"), `${vendor}\n`);
  }
}

Deno.test(
  "listGpus() has cards of NVIDIA, AMD and Intel in order, and nothing else",
  ON_LINUX,
  () =>
    inFolder(async (folder) => {
      assert.deepEqual(listGpus(join(folder, "missing")), []);
      await writeDevices(folder, {
        "0000:00:02.0": ["0x030000", "0x8086"], // in the processor
        "0000:02:00.0": ["0x030000", "0x1a03"], // the console of a server
        "0000:03:00.0": ["0x010802", "0x144d"],
        "0000:c1:00.0": ["0x030200", "0x10de"],
        "0000:41:00.0": ["0x030000", "0x1002"],
        "0000:81:00.0": ["0x038000", "0x8086"],
      });
      assert.deepEqual(listGpus(folder), [
        "0000:41:00.0",
        "0000:81:00.0",
        "0000:c1:00.0",
      ]);
    }),
);

Deno.test(
  "listGpus() has the GPU in the processor where there is no other",
  ON_LINUX,
  () =>
    inFolder(async (folder) => {
      await writeDevices(folder, { "0000:00:02.0": ["0x030000", "0x8086"] });
      assert.deepEqual(listGpus(folder), ["0000:00:02.0"]);
    }),
);

Deno.test("chooseDevice() gives each rank of a host the next GPU, over and over", () => {
  const addresses = [0, 1, 2].map((rank) => chooseDevice(GPUS, rank));
  assert.deepEqual(addresses, [
    { address: "0000:41:00.0", wanted: false },
    { address: "0000:c1:00.0", wanted: false },
    { address: "0000:41:00.0", wanted: false },
  ]);
  assert.deepEqual(chooseDevice([], 3), { address: null, wanted: false });
});

Deno.test("chooseDevice() takes the wanted GPU by index or address", () => {
  const wanted = { address: "0000:c1:00.0", wanted: true };
  for (const text of ["1", "0000:c1:00.0", "C1:00.0", "0000:C1:00.0"]) {
    assert.deepEqual(chooseDevice(GPUS, 0, text), wanted, text);
  }
  assert.deepEqual(chooseDevice([], 0, "c1:00.0"), wanted);
});

Deno.test("chooseDevice() names the GPUs that there are", () => {
  for (const text of ["2", "0000:c2:00.0", "GeForce", "-1"]) {
    assert.throws(() => chooseDevice(GPUS, 0, text), {
      name: "RangeError",
      message: `Cannot use GPU "${text}" (FST_DEVICE): this machine has ` +
        "0: 0000:41:00.0, 1: 0000:c1:00.0",
    });
  }
  assert.throws(
    () => chooseDevice([], 0, "0"),
    /"0" \(FST_DEVICE\): none is listed on this machine; give a PCI address, as/,
  );
});

const VARIABLES = ["DRI_PRIME", "FST_DEVICE"] as const;

/** Runs with variables of the environment; the others are not set. */
function withVariables(
  given: Readonly<Partial<Record<typeof VARIABLES[number], string>>>,
  run: () => void,
): void {
  const before = VARIABLES.map((name) => [name, Deno.env.get(name)] as const);
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  VARIABLES.forEach((name) => set(name, given[name]));
  try {
    run();
  } finally {
    before.forEach(([name, value]) => set(name, value));
  }
}

Deno.test(
  "selectDevice() tells Mesa's layer, but for a user's choice or an only GPU",
  ON_LINUX,
  () =>
    inFolder(async (folder) => {
      const nvidia = ["0x030200", "0x10de"] as const;
      await writeDevices(folder, { "0000:41:00.0": nvidia });
      const assertSelects = (
        given: Parameters<typeof withVariables>[0],
        localRank: number,
        choice: unknown,
        layer: string | undefined,
      ) =>
        withVariables(given, () => {
          assert.deepEqual(selectDevice(localRank, folder), choice);
          assert.equal(Deno.env.get("DRI_PRIME"), layer);
        });
      const first = { address: "0000:41:00.0", wanted: false };
      assertSelects({}, 0, first, undefined);
      await writeDevices(folder, { "0000:c1:00.0": nvidia });
      const second = { address: "0000:c1:00.0", wanted: false };
      assertSelects({}, 0, first, "pci-0000_41_00_0");
      assertSelects({}, 1, second, "pci-0000_c1_00_0");
      const given = "pci-0000_c1_00_0";
      assertSelects({ DRI_PRIME: given }, 0, second, given);
      assertSelects({ DRI_PRIME: "1" }, 0, { address: null, wanted: false }, "1");
      const wanted = { address: "0000:41:00.0", wanted: true };
      assertSelects({ DRI_PRIME: given, FST_DEVICE: "0" }, 1, wanted, "pci-0000_41_00_0");
    }),
);
