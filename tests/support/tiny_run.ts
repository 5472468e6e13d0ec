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
  encoder: { name: mit, widths: [8, 8, 8, 8], depths: [1, 1, 1, 1], heads: [1, 1, 2, 2] }
  decoder: { name: daformer, channels: 8, fusion: conv1 }
data:
  kind: embedded
  size: { height: 48, width: 64 }
  source: { domain: clean, images: 6 }
  target: { domain: worn, images: 6 }
  evaluations: { worn: { domain: worn, images: 2 } }
  crop: { height: 32, width: 32 }
optimizer: { warmup: 2 }
method: ${method}
evaluation: { every: 0 }
logging: { every: 1, pictures: 0, checkpoint: 1 }
`;
