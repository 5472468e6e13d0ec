/** What published encoders have no weights for, by whose encoder it is. @module */

import type { Scheme } from "./scheme.ts";

/** Classifiers have one norm behind the last stage, and Swin here one behind each. */
export const SWIN_MAY_LACK: Scheme["mayLack"] = [
  { parameters: "backbone.norm*", where: "backbone.stages.{i}.blocks.{j}.attn.w_msa.*" },
];

/** Classifiers have no pyramid. */
export const BEIT_MAY_LACK: Scheme["mayLack"] = [
  { parameters: "neck.*", where: "backbone.layers.{k}.ln1.*" },
];
