/** Where the weights of a network start: at random, or from a file. @module */
import type { ModelConfig } from "../config/model.ts";
import type { Network, Weights } from "../core/network.ts";
import { initializeWeights, weightsFromHost } from "../core/weights.ts";
import { findWeights } from "../download/find_weights.ts";
import {
  countAndList,
  describeFit,
  matchNetworkWeights,
  nameMatcher,
} from "../weights/match_weights.ts";
import { describeSource, readWeights } from "../weights/read_weights.ts";

/**
 * Fresh weights, or those of a file where it has them.
 *
 * A file may hold a whole network or its encoder alone. A part of the network that the
 * file lacks as a whole starts afresh; of a part that it has, everything must be there.
 *
 * @param model Its `pretrained` is a file, a name of the registry or a URL.
 * @param log Called with what was loaded, assumed, changed and left out, a line per kind.
 * @returns Weights that the caller releases.
 * @throws {WeightsMismatchError} If the file does not fit the network.
 * @throws {RangeError} If there is no such file, name or URL.
 */
export async function loadInitialWeights(
  network: Network,
  { pretrained, excludeKeys }: Pick<ModelConfig, "pretrained" | "excludeKeys">,
  seed: number,
  log: (line: string) => void = () => {},
): Promise<Weights> {
  if (pretrained === null) return initializeWeights(network.parameters, seed);
  const file = await findWeights(pretrained);
  const targetNames = network.encoder.parameters.map(({ name }) => name);
  const source = await readWeights(file, { targetNames, excludeKeys });
  const isExcluded = nameMatcher(excludeKeys);
  const fileTensors = new Map([...source.tensors].filter(([name]) => !isExcluded(name)));

  const { encoder, decoder, auxiliaryHeads } = network;
  const heads = [decoder, ...auxiliaryHeads.map((head) => head.decoder)];
  const loadedParts = [
    encoder,
    ...heads.filter(({ parameters }) =>
      parameters.some(({ name }) => fileTensors.has(name))
    ),
  ];
  const loaded = matchNetworkWeights(
    {
      parameters: loadedParts.flatMap(({ parameters }) => parameters),
      derivedBuffers: loadedParts.flatMap(({ derivedBuffers = [] }) => derivedBuffers),
    },
    fileTensors,
    file,
    {
      allowMissing: [...source.allowMissing, ...excludeKeys],
      cure: 'what does not fit can be left out: "model.excludeKeys" names it, as ' +
        '["decode_head.*"]',
    },
  );

  const fresh = network.parameters.filter(({ name }) => !loaded.tensors.has(name));
  log(
    `Loaded ${loaded.tensors.size} of ${network.parameters.length} tensors from "${file}"`,
  );
  const lines = [
    ...describeSource(source),
    ...countAndList("excluded", [...source.tensors.keys()].filter(isExcluded)),
    ...countAndList("randomly initialized", fresh.map(({ name }) => name)),
    ...describeFit(loaded),
  ];
  for (const line of lines) log(`  ${line}`);

  const values = new Map([
    ...initializeWeights(fresh, seed),
    ...weightsFromHost(network.parameters, loaded.tensors),
  ]);
  // In the network's order.
  return new Map(network.parameters.flatMap(({ name }) => {
    const value = values.get(name);
    return value === undefined ? [] : [[name, value] as const];
  }));
}
