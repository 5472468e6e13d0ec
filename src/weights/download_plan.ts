/** Where a file is looked for, and in which order. @module */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileNameOf, webAddress } from "./file_name.ts";
import { publicUrl } from "./http_answer.ts";
import {
  filesOf,
  type ManualSource,
  type PublishedFile,
  type WeightsEntry,
} from "./published_weights.ts";

/** A file that no registry knows. */
export interface WeightsAddress {
  /** http or https. */
  readonly url: string;
  /** 64 hexadecimal digits; without them, the first download is trusted. */
  readonly sha256?: string;
}

/** A place and the file that it should have. */
export interface Try {
  readonly from: string;
  readonly file: PublishedFile;
}

/** Everything that is needed to get one file. */
export interface Plan {
  readonly name: string;
  readonly files: readonly PublishedFile[];
  readonly tries: readonly Try[];
  readonly manual: readonly ManualSource[];
}

/**
 * Where published weights, or the file at an address, may be had.
 *
 * @throws {RangeError} If the address or the checksum is none.
 */
export function planFor(what: WeightsEntry | WeightsAddress): Plan {
  if ("name" in what) {
    return {
      name: what.name,
      files: filesOf(what),
      tries: what.sources.flatMap((source) =>
        "url" in source ? [{ from: source.url, file: source.as ?? what }] : []
      ),
      manual: what.sources.filter((source) => "page" in source),
    };
  }
  const url = webAddress(what.url);
  if (url === null) {
    throw new RangeError(
      `Cannot download "${what.url}": it must begin with https:// or http://`,
    );
  }
  const sha256 = what.sha256?.toLowerCase() ?? null;
  if (sha256 !== null && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new RangeError(
      `Cannot download "${what.url}": "sha256" must be 64 hexadecimal digits: ` +
        `received "${what.sha256}"`,
    );
  }
  const file = fileNameOf(url);
  const published = { file, bytes: null, sha256, sha256Prefix: null, names: null };
  return {
    name: publicUrl(what.url),
    files: [published],
    tries: [{ from: url.href, file: published }],
    manual: [],
  };
}

/** The same files in another place. */
export function mirrored(plan: Plan, from: string): Plan {
  const url = from.startsWith("file://") ? null : webAddress(from);
  const folder = from.startsWith("file://") ? fileURLToPath(from) : from;
  const base = url === null ? null : new URL(url);
  if (base !== null && !base.pathname.endsWith("/")) base.pathname += "/";
  const tries = plan.files.map((file) => ({
    from: base === null
      ? join(folder, file.file)
      : Object.assign(new URL(base), { pathname: base.pathname + file.file }).href,
    file,
  }));
  return { ...plan, tries, manual: [] };
}
