/** Where the weights of a network start: by chance, or in a file. @module */
import type { ModelConfig } from "../config/model.ts";
import type { Network, Weights } from "../core/network.ts";
import { initialWeights, weightsFromHost } from "../core/weights.ts";
import { findWeights } from "../weights/find_weights.ts";
import { matchNetwork } from "../weights/match_network.ts";
import { anyOf } from "../weights/mismatch.ts";
import { readWeights } from "../weights/open_weights.ts";

/** Names in a line of the log before the rest is only counted. */
const SHOWN = 3;

/**
 * Fresh weights, or those of a file where it has them.
 *
 * A file may hold a whole network or its encoder alone. A part of the network that the
 * file lacks as a whole starts afresh; of a part that it has, everything must be there.
 *
 * @param model Its `pretrained` is a file, a name of the registry or a URL.
 * @param log Told what was loaded, changed and left out.
 * @returns Weights that the caller releases.
 * @throws {WeightsMismatchError} If the file does not fit the network.
 * @throws {RangeError} If there is no such file, name or URL.
 */
export async function startingWeights(
  network: Network,
  { pretrained, leaveOut }: Pick<ModelConfig, "pretrained" | "leaveOut">,
  seed: number,
  log: (line: string) => void = () => {},
): Promise<Weights> {
  if (pretrained === null) return initialWeights(network.parameters, seed);
  const file = await findWeights(pretrained);
  const own = network.encoder.parameters.map(({ name }) => name);
  const { tensors, scheme, lacking, leftOut } = await readWeights(file, { own });
  const isLeftOut = anyOf(leaveOut);
  const found = new Map([...tensors].filter(([name]) => !isLeftOut(name)));

  const { encoder, decoder, auxiliary } = network;
  const others = [decoder, ...auxiliary.map((head) => head.decoder)];
  const wanted = [
    encoder,
    ...others.filter(({ parameters }) => parameters.some(({ name }) => found.has(name))),
  ];
  const loaded = matchNetwork(
    {
      parameters: wanted.flatMap(({ parameters }) => parameters),
      constants: wanted.flatMap(({ constants = [] }) => constants),
    },
    found,
    file,
    { allowMissing: [...lacking, ...leaveOut] },
  );

  const fresh = network.parameters.filter(({ name }) => !loaded.tensors.has(name));
  log(
    `Loaded ${loaded.tensors.size} of ${network.parameters.length} tensors from ` +
      `"${file}" (names: ${scheme})`,
  );
  const tell = (what: string, names: readonly string[]) => {
    if (names.length === 0) return;
    const rest = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
    log(`  ${names.length} ${what}: ${names.slice(0, SHOWN).join(", ")}${rest}`);
  };
  tell("left out", [...leftOut, ...[...tensors.keys()].filter(isLeftOut)]);
  tell("start afresh", fresh.map(({ name }) => name));
  tell("resized", loaded.fitted);
  tell("made float32", loaded.cast);

  const values = new Map([
    ...initialWeights(fresh, seed),
    ...weightsFromHost(network.parameters, loaded.tensors),
  ]);
  // In the network's order.
  return new Map(network.parameters.flatMap(({ name }) => {
    const value = values.get(name);
    return value === undefined ? [] : [[name, value] as const];
  }));
}
