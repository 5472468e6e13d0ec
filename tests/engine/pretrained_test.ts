// Where weights start: every kind of file, what is said about it, and what is refused.
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import type { Weights } from "../../src/core/network.ts";
import { initialWeights, releaseWeights, weightsToHost } from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/engine/build.ts";
import { startingWeights } from "../../src/engine/pretrained.ts";
import { encodeSafetensors } from "../../src/weights/safetensors.ts";
import { writeTorchFile } from "../../src/weights/torch_write.ts";
import {
  assertRefused,
  type Ended,
  inFolder,
  tinyConfig,
  tinyFile,
} from "../support/commands.ts";
import { fileAnswer, withServer } from "../weights/file_server.ts";

const TRAIN = fileURLToPath(new URL("../../tasks/train.ts", import.meta.url));
const CLASSES = 9;
const model = (...sets: string[]) => tinyConfig(...sets).model;

/** A network's fresh weights as files hold them. */
async function hostWeights(seed: number, ...sets: string[]) {
  await openBackend("wasm");
  const network = buildNetwork(model(...sets), CLASSES);
  const weights = initialWeights(network.parameters, seed);
  const host = await weightsToHost(network.parameters, weights);
  releaseWeights(weights);
  return { network, host };
}

async function equal(
  weights: Weights,
  host: ReadonlyMap<string, HostTensor>,
  name: string,
) {
  const { network } = await hostWeights(0);
  const [parameter] = network.parameters.filter((one) => one.name === name);
  assert.ok(parameter);
  const ours = (await weightsToHost([parameter], weights)).get(name);
  return Buffer.compare(
    ours?.bytes ?? assert.fail(name),
    host.get(name)?.bytes ?? new Uint8Array(),
  ) === 0;
}

const ENCODER = "backbone.block1.0.attn.q.weight";
const DECODER = "decode_head.linear_fuse.conv.weight";

const only = (host: ReadonlyMap<string, HostTensor>, prefix: string, kept = prefix) =>
  new Map(
    [...host].filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [kept + name.slice(prefix.length), value]),
  );

Deno.test("startingWeights() takes encoders and whole networks from any kind of file", () =>
  inFolder(async (folder) => {
    const { network, host } = await hostWeights(7);
    const files: [string, ReadonlyMap<string, HostTensor>, whole: boolean][] = [
      ["whole.safetensors", host, true],
      ["encoder.safetensors", only(host, "backbone."), false],
      ["bare.safetensors", only(host, "backbone.", ""), false],
      ["whole.pth", host, true],
      ["wrapped.pth", only(host, "", "module."), true],
      [
        "uda.pth",
        new Map([...only(host, "", "model."), ...only(host, "", "ema_model.")]),
        true,
      ],
    ];
    for (const [name, tensors, whole] of files) {
      const file = join(folder, name);
      if (name.endsWith(".pth")) await writeTorchFile(file, tensors);
      else await Deno.writeFile(file, encodeSafetensors(tensors));
      const lines: string[] = [];
      const start = { pretrained: file, leaveOut: [] };
      const weights = await startingWeights(
        network,
        start,
        1,
        (line) => lines.push(line),
      );
      assert.ok(await equal(weights, host, ENCODER), name);
      assert.equal(await equal(weights, host, DECODER), whole, name);
      assert.deepEqual([...weights.keys()], network.parameters.map(({ name }) => name));
      const of = network.parameters.length;
      const loaded = whole ? of : network.encoder.parameters.length;
      assert.match(lines[0] ?? "", new RegExp(`^Loaded ${loaded} of ${of} tensors from`));
      assert.equal(lines.some((line) => line.includes("start afresh")), !whole, name);
      releaseWeights(weights);
    }
  }));

Deno.test("startingWeights() is exact, or leaves out what it is told to", () =>
  inFolder(async (folder) => {
    const { network } = await hostWeights(7);
    const { host } = await hostWeights(8, "model.decoder.channels=12");
    const file = join(folder, "other.safetensors");
    await Deno.writeFile(file, encodeSafetensors(host));
    const start = { pretrained: file, leaveOut: [] as string[] };
    await assert.rejects(() => startingWeights(network, start, 1), {
      name: "WeightsMismatchError",
      message: /of another shape: decode_head\./,
    });
    const lines: string[] = [];
    start.leaveOut.push("decode_head.*");
    const weights = await startingWeights(network, start, 1, (line) => lines.push(line));
    assert.ok(await equal(weights, host, ENCODER));
    assert.match(lines.join("\n"), /left out: decode_head\..* and \d+ more/);
    releaseWeights(weights);

    const holes = new Map(host);
    holes.delete(ENCODER);
    await Deno.writeFile(file, encodeSafetensors(holes));
    await assert.rejects(() => startingWeights(network, start, 1), {
      message: /1 missing: backbone\.block1\.0\.attn\.q\.weight/,
    });
  }));

Deno.test("a fresh weight is the same whether a file brings the others or not", () =>
  inFolder(async (folder) => {
    const { network, host } = await hostWeights(7);
    const file = join(folder, "encoder.safetensors");
    await Deno.writeFile(file, encodeSafetensors(only(host, "backbone.")));
    const [all, some] = [
      await startingWeights(network, { pretrained: null, leaveOut: [] }, 1),
      await startingWeights(network, { pretrained: file, leaveOut: [] }, 1),
    ];
    const [a, b] = [all.get(DECODER), some.get(DECODER)];
    assert.ok(a && b);
    assert.deepEqual(await readBack(a), await readBack(b));
    releaseWeights(all);
    releaseWeights(some);
  }));

/** Trains in a process of its own: downloads go below the working directory. */
async function trainIn(folder: string, pretrained: string): Promise<Ended> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", TRAIN, "--out", "run", "--backend", "wasm"]
      .concat(await tinyFile(folder), "--set", `model.pretrained=${pretrained}`),
    cwd: folder,
  });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder();
  return { status: code, out: text.decode(stdout), error: text.decode(stderr) };
}

Deno.test("a run starts from an address, and says what it took", () =>
  inFolder(async (folder) => {
    const { host } = await hostWeights(7);
    const file = encodeSafetensors(only(host, "backbone."));
    await withServer((asked) => fileAnswer(asked, file), async (base) => {
      const ended = await trainIn(folder, `${base}/encoder.safetensors`);
      assert.equal(ended.status, 0, ended.error);
      assert.match(ended.out + ended.error, /Loaded \d+ of \d+ tensors from/);
    });
  }));

Deno.test("a run that starts from an unknown name says which are known", () =>
  inFolder(async (folder) =>
    assertRefused(await trainIn(folder, "mit-b9"), "mit-b9", "mit-b5")
  ));
