// Where weights start: every kind of file, what is said about it, and what is refused.
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import type { Weights } from "../../src/core/network.ts";
import {
  initializeWeights,
  releaseWeights,
  weightsToHost,
} from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { loadInitialWeights } from "../../src/train/initial_weights.ts";
import { encodeSafetensors } from "../support/safetensors.ts";
import { writeTorchFile } from "../../src/weights/write_torch_file.ts";
import { assertRefused, type Ended, tinyConfig, tinyFile } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";
import { fileAnswer, withServer } from "../download/file_server.ts";

const TRAIN = fileURLToPath(new URL("../../tasks/train.ts", import.meta.url));
const CLASSES = 9;
const model = (...sets: string[]) => tinyConfig(...sets).model;

/** A network's fresh weights as files hold them. */
async function hostWeights(seed: number, ...sets: string[]) {
  await openBackend("wasm");
  const network = buildNetwork(model(...sets), CLASSES);
  const weights = initializeWeights(network.parameters, seed);
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

Deno.test("loadInitialWeights() takes encoders and whole networks from any kind of file", () =>
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
      const start = { pretrained: file, excludeKeys: [] };
      const weights = await loadInitialWeights(
        network,
        start,
        1,
        (line) => lines.push(line),
      );
      assert.ok(await equal(weights, host, ENCODER), name);
      assert.equal(await equal(weights, host, DECODER), whole, name);
      assert.deepEqual([...weights.keys()], network.parameters.map(({ name }) => name));
      const detected = name.startsWith("bare") ? " (detected)" : "";
      assert.ok(lines.includes(`  naming scheme: fst${detected}`), name);
      const of = network.parameters.length;
      const loaded = whole ? of : network.encoder.parameters.length;
      assert.match(lines[0] ?? "", new RegExp(`^Loaded ${loaded} of ${of} tensors from`));
      assert.equal(
        lines.some((line) => line.includes("randomly initialized")),
        !whole,
        name,
      );
      releaseWeights(weights);
    }
  }));

Deno.test("loadInitialWeights() is exact, or leaves out what it is told to", () =>
  inFolder(async (folder) => {
    const { network } = await hostWeights(7);
    const { host } = await hostWeights(8, "model.decoder.channels=12");
    const file = join(folder, "other.safetensors");
    await Deno.writeFile(file, encodeSafetensors(host));
    const start = { pretrained: file, excludeKeys: [] as string[] };
    await assert.rejects(() => loadInitialWeights(network, start, 1), {
      name: "WeightsMismatchError",
      message:
        / size mismatch: decode_head\.[^]*\n {2}what .* "model\.excludeKeys" names it/,
    });
    const lines: string[] = [];
    start.excludeKeys.push("decode_head.*");
    const weights = await loadInitialWeights(
      network,
      start,
      1,
      (line) => lines.push(line),
    );
    assert.ok(await equal(weights, host, ENCODER));
    assert.match(lines.join("\n"), /excluded: decode_head\..* and \d+ more/);
    releaseWeights(weights);

    const holes = new Map(host);
    holes.delete(ENCODER);
    await Deno.writeFile(file, encodeSafetensors(holes));
    await assert.rejects(() => loadInitialWeights(network, start, 1), {
      message: /1 missing: backbone\.block1\.0\.attn\.q\.weight/,
    });
  }));

Deno.test("loadInitialWeights() leaves out a foreign head that it is told to", () =>
  inFolder(async (folder) => {
    const { network, host } = await hostWeights(7);
    const file = join(folder, "foreign.pth");
    const values = host.get(ENCODER) ?? assert.fail();
    const bare = only(host, "backbone.", "");
    await writeTorchFile(file, new Map([...bare, ["my_head.weight", values]]));
    await assert.rejects(
      () => loadInitialWeights(network, { pretrained: file, excludeKeys: [] }, 1),
      { name: "RangeError", message: /no network here has "my_head\.weight"/ },
    );
    const start = { pretrained: file, excludeKeys: ["my_head.*"] };
    const weights = await loadInitialWeights(network, start, 1);
    assert.ok(await equal(weights, host, ENCODER));
    releaseWeights(weights);
  }));

Deno.test("loadInitialWeights() logs everything that it assumed, a line per kind", () =>
  inFolder(async (folder) => {
    const { network, host } = await hostWeights(7);
    const counters = [...host.keys()].filter((name) => name.endsWith("batches_tracked"));
    assert.ok(counters.length > 0);
    const file = join(folder, "odd.pth");
    const odd = new Map(host);
    for (const name of counters) odd.delete(name);
    const values = host.get(ENCODER) ?? assert.fail();
    const wide = Float64Array.from(new Float32Array(values.bytes.slice().buffer));
    const bytes = new Uint8Array(wide.buffer);
    odd.set(ENCODER, { dtype: "F64", shape: values.shape, bytes });
    odd.set("backbone.head.weight", values);
    await writeTorchFile(
      file,
      new Map([...only(odd, "", "model."), ...only(host, "", "ema_model.")]),
    );
    const lines: string[] = [];
    const start = { pretrained: file, excludeKeys: ["decode_head.conv_seg.*"] };
    releaseWeights(
      await loadInitialWeights(network, start, 1, (line) => lines.push(line)),
    );
    const excluded = "decode_head.conv_seg.weight, decode_head.conv_seg.bias";
    assert.deepEqual(lines.slice(1), [
      "  naming scheme: fst",
      '  taken: names without "model."; left out: "ema_model."',
      "  1 unused: backbone.head.weight",
      `  2 excluded: ${excluded}`,
      `  2 randomly initialized: ${excluded}`,
      `  1 cast to float32: ${ENCODER}`,
      `  ${counters.length} batch counters absent, started at 0: ${counters.join(", ")}`,
    ]);
  }));

Deno.test("a fresh weight is the same whether a file brings the others or not", () =>
  inFolder(async (folder) => {
    const { network, host } = await hostWeights(7);
    const file = join(folder, "encoder.safetensors");
    await Deno.writeFile(file, encodeSafetensors(only(host, "backbone.")));
    const [all, some] = [
      await loadInitialWeights(network, { pretrained: null, excludeKeys: [] }, 1),
      await loadInitialWeights(network, { pretrained: file, excludeKeys: [] }, 1),
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
