/** What a process may do, asked without failing where it may not even ask. @module */

import { access, constants } from "node:fs/promises";

/**
 * Whether a folder may be written to. Deno looks up who asks, for which it wants a right of
 * its own; without that, writing will show it.
 */
export async function isWritable(folder: string): Promise<boolean> {
  const { state } = await Deno.permissions.query({ name: "sys", kind: "uid" });
  if (state !== "granted") return true;
  return await access(folder, constants.W_OK).then(() => true, () => false);
}
