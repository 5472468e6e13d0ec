/** Lists of pictures that lie beside a configuration. @module */

import { isAbsolute, resolve } from "node:path";
import type { RunConfig } from "./schema.ts";

interface Listed {
  readonly list: string | null;
}

interface Parts<Split extends Listed> {
  readonly source: Split;
  readonly target: Split | null;
  readonly evaluations: Readonly<Record<string, Split>>;
}

const isFile = (path: string) => Deno.stat(path).then((info) => info.isFile, () => false);

/**
 * Gives every `list` that is a file in the configuration's folder its whole path; one that
 * is found from here stays as it is.
 */
export async function withLists(config: RunConfig, folder: string): Promise<RunConfig> {
  const { data } = config;
  switch (data.kind) {
    case "embedded":
      return config;
    case "native":
      return { ...config, data: { ...data, ...await found(data, folder) } };
    case "folder":
      return { ...config, data: { ...data, ...await found(data, folder) } };
  }
}

async function found<Split extends Listed>(
  { source, target, evaluations }: Parts<Split>,
  folder: string,
): Promise<Parts<Split>> {
  const resolved = async (split: Split): Promise<Split> => {
    const { list } = split;
    if (list === null || isAbsolute(list) || await isFile(list)) return split;
    const beside = resolve(folder, list);
    return await isFile(beside) ? { ...split, list: beside } : split;
  };
  const named = Object.entries(evaluations).map(async ([name, one]) =>
    [name, await resolved(one)] as const
  );
  return {
    source: await resolved(source),
    target: target && await resolved(target),
    evaluations: Object.fromEntries(await Promise.all(named)),
  };
}
