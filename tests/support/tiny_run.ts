/** The smallest run that does everything. @module */

/**
 * A configuration as YAML.
 *
 * @param method The "method" section, in flow style.
 */
export const tinyRun = (iterations: number, method: string): string => `
seed: 3
iterations: ${iterations}
model:
  encoder: { name: mit, embedDims: [8, 8, 8, 8], depths: [1, 1, 1, 1], numHeads: [1, 1, 2, 2] }
  decoder: { name: daformer, channels: 8, fusion: conv1 }
data:
  kind: embedded
  size: { height: 48, width: 64 }
  source: { domain: clean, images: 6 }
  target: { domain: worn, images: 6 }
  evaluations: { worn: { domain: worn, images: 2 } }
  cropSize: { height: 32, width: 32 }
optimizer: { warmupIterations: 2 }
method: ${method}
evaluation: { interval: 0 }
logging: { interval: 1, imageInterval: 0, checkpointInterval: 1 }
`;

/**
 * The same on small data sets in their native layouts; "data.root" is missing.
 *
 * @param source The set and the split of the source, in flow style.
 */
export const tinyNativeRun = (source: string): string => `
seed: 3
iterations: 5
model:
  encoder: { name: mit, embedDims: [4, 4, 8, 8], depths: [1, 1, 1, 1], numHeads: [1, 1, 1, 1], srRatios: [8, 4, 2, 1] }
  decoder: { name: segformer, channels: 8 }
data:
  kind: native
  source: { set: ${source} }
  target: { set: cityscapes, split: train }
  evaluations: { val: { set: cityscapes, split: val } }
  cropSize: { height: 32, width: 32 }
  rareClassSampling: { minPixels: 10 }
  batchSize: 1
  numWorkers: 0
optimizer: { learningRate: 1.0e-3, warmupIterations: 2 }
method: { name: self-training, lookAhead: { depth: 1 }, pseudoLabel: { threshold: 0.1 } }
evaluation: { interval: 0 }
logging: { interval: 1, imageInterval: 5, checkpointInterval: 1 }
`;
