/**
 * Which GPU of its host a rank computes on.
 *
 * WebGPU knows no order of equal GPUs and shows no address. On Linux a layer of Mesa under
 * every Vulkan driver puts the GPU at a PCI address first, which DRI_PRIME names.
 *
 * @module
 */
import { environmentVariable, OPERATING_SYSTEM } from "../core/environment.ts";
import { openSystemFiles } from "./system_files.ts";

/** The GPU of a rank. */
export interface DeviceChoice {
  /** Its PCI address, as "0000:41:00.0"; null: it is not known which one it is. */
  readonly address: string | null;
  /** Whether FST_DEVICE names it. */
  readonly wanted: boolean;
}

/** The user's choice: an index into {@linkcode listGpus}, or a PCI address. */
const VARIABLE = "FST_DEVICE";

/** What Mesa's layer reads when a program first asks for an adapter. */
const LAYER_VARIABLE = "DRI_PRIME";

const PCI_DEVICES = "/sys/bus/pci/devices";
const [NVIDIA, AMD, INTEL] = ["0x10de", "0x1002", "0x8086"];

/**
 * The GPUs of this machine, in the order of their addresses: display and 3D controllers of
 * NVIDIA, AMD and Intel. One of Intel that is a part of the processor counts only where
 * there is no other. Empty where they cannot be listed.
 *
 * @param root Has a folder per PCI device, named after its address.
 */
export function listGpus(root = PCI_DEVICES): string[] {
  if (OPERATING_SYSTEM !== "linux") return [];
  using files = openSystemFiles();
  const gpus = files.list(root).flatMap((address) => {
    const isDisplay = files.read(`${root}/${address}/class`).startsWith("0x03");
    const vendor = files.read(`${root}/${address}/vendor`);
    return isDisplay && [NVIDIA, AMD, INTEL].includes(vendor)
      ? [{ address, isIntegrated: vendor === INTEL && address.startsWith("0000:00:") }]
      : [];
  });
  const cards = gpus.filter(({ isIntegrated }) => !isIntegrated);
  return (cards.length > 0 ? cards : gpus).map(({ address }) => address);
}

/**
 * The GPU of a rank: the wanted one, else each rank of a host has the next.
 *
 * @param gpus Addresses of those of its host; none: they are not known.
 * @param localRank The rank's number on its host.
 * @param wanted An index or a PCI address.
 * @throws {RangeError} If there is no such GPU.
 */
export function chooseDevice(
  gpus: readonly string[],
  localRank: number,
  wanted?: string,
): DeviceChoice {
  if (wanted === undefined) {
    return { address: gpus[localRank % gpus.length] ?? null, wanted: false };
  }
  const address = /^\d+$/.test(wanted) ? gpus[Number(wanted)] : pciAddress(wanted);
  const isThere = gpus.length === 0 || gpus.some((gpu) => gpu === address);
  if (address !== undefined && isThere) return { address, wanted: true };
  const known = gpus.length === 0
    ? "none is listed on this machine; give a PCI address, as 0000:41:00.0"
    : `this machine has ${gpus.map((gpu, i) => `${i}: ${gpu}`).join(", ")}`;
  throw new RangeError(`Cannot use GPU "${wanted}" (${VARIABLE}): ${known}`);
}

/** An address with its domain, in lower case; undefined: it is none. */
function pciAddress(text: string): string | undefined {
  const [, domain = "0000:", rest] =
    /^([0-9a-f]{4,8}:)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/i.exec(text) ?? [];
  return rest === undefined ? undefined : (domain + rest).toLowerCase();
}

/**
 * Chooses the GPU of this rank, for the first time that WebGPU is asked for an adapter; to be
 * called before. A DRI_PRIME of the user stays as it is unless FST_DEVICE is given.
 *
 * @throws {RangeError} If FST_DEVICE names no GPU of this machine.
 */
export function selectDevice(localRank: number, root = PCI_DEVICES): DeviceChoice {
  const wanted = environmentVariable(VARIABLE);
  const given = environmentVariable(LAYER_VARIABLE);
  if (given !== undefined && wanted === undefined) {
    return { address: addressOf(given), wanted: false };
  }
  const gpus = listGpus(root);
  const choice = chooseDevice(gpus, localRank, wanted);
  if (choice.address !== null && (gpus.length > 1 || choice.wanted)) {
    Deno.env.set(LAYER_VARIABLE, layerValue(choice.address));
  }
  return choice;
}

/** "0000:41:00.0" as Mesa's layer has it: "pci-0000_41_00_0". */
function layerValue(address: string): string {
  return `pci-${address.replace(/[:.]/g, "_")}`;
}

function addressOf(value: string): string | null {
  const [, domain, bus, device, unit] =
    /^pci-([0-9a-f]+)_([0-9a-f]+)_([0-9a-f]+)_([0-7])$/i.exec(value) ?? [];
  return pciAddress(`${domain}:${bus}:${device}.${unit}`) ?? null;
}
