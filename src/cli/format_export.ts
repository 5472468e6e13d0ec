/** What an export wrote, in lines for people. @module */

import type { ExportResult } from "../../mod.ts";
import { formatBytes } from "./format_bytes.ts";

/** A line per fact. */
export function formatExport(
  checkpoint: string,
  { output, files, bytes, batch, size, nodes, notes }: ExportResult,
): string {
  const graph = nodes === null ? "" : `, ${nodes} nodes`;
  const lines = [`${checkpoint} → ${output}: ${formatBytes(bytes)}${graph}`];
  if (nodes === null) lines.push(`files: ${files.join(", ")}`);
  else {
    const images = batch === null ? "any number of images" : `${batch} image at a time`;
    const pixels = size === null ? "any size" : `${size.height}×${size.width} pixels`;
    lines.push(`takes ${images} of ${pixels}`);
  }
  return [...lines, ...notes.map((note) => `note: ${note}`)].join("\n");
}
