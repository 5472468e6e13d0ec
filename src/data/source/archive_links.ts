/** Symbolic links in archives, followed as they would be after unpacking. @module */

/** A symbolic link: where it leads, from the folder in which it lies. */
export interface SymbolicLink {
  readonly target: string;
}

/** What an archive holds by path: files, and links that are not followed yet. */
export type ArchiveEntries<Member> = ReadonlyMap<string, Member | SymbolicLink>;

/** What links give. */
export interface FollowedLinks<Member> {
  /** Every path at which a file is found. */
  readonly members: ReadonlyMap<string, Member>;
  /** Links that lead to nothing in the archive, by their paths, and why. */
  readonly broken: ReadonlyMap<string, string>;
}

/** A folder, by the names of what is in it. */
interface Folder<Member> {
  readonly children: Map<string, Node<Member>>;
}

type Node<Member> =
  | Folder<Member>
  | SymbolicLink
  | { readonly member: Member };

/** Links that lead to links, and folders in folders: more than any archive has. */
const MAX_LINK_DEPTH = 40;
const MAX_FOLDER_DEPTH = 100;

/** Places that are looked at; links to folders of links multiply them. */
const MAX_STEPS = 5_000_000;

/**
 * Follows the links of an archive. A link into a folder that it lies in ends there, as it
 * does for `find -L`.
 *
 * @param archive For the message.
 * @throws {RangeError} If links lead to more places than any data set has.
 */
export function followLinks<Member extends object>(
  entries: ArchiveEntries<Member>,
  archive: string,
): FollowedLinks<Member> {
  const broken = new Map<string, string>();
  const root = folderTree(entries, broken);
  const members = new Map<string, Member>();
  let steps = 0;
  const countStep = () => {
    if (++steps <= MAX_STEPS) return;
    throw new RangeError(
      `Cannot use the archive "${archive}": its symbolic links lead to more than ` +
        `${MAX_STEPS} places: do not trust this archive`,
    );
  };

  // Ancestors are folders as they lie in the archive, whatever links led to them.
  const visit = (
    route: readonly Folder<Member>[],
    prefix: string,
    ancestors: readonly Folder<Member>[],
  ) => {
    const folder = route.at(-1) ?? root;
    for (const [name, child] of folder.children) {
      countStep();
      const path = prefix + name;
      const found = "target" in child ? resolve(route, child.target, 0) : child;
      if (typeof found === "string") {
        broken.set(
          path,
          `is a symbolic link to "${"target" in child ? child.target : ""}", ${found}`,
        );
      } else if ("member" in found) members.set(path, found.member);
      else {
        const inner = "route" in found
          ? found.route
          : [...route, child as Folder<Member>];
        const next = inner.at(-1) ?? root;
        if (ancestors.includes(next)) continue;
        if (ancestors.length > MAX_FOLDER_DEPTH) {
          broken.set(path, `lies more than ${MAX_FOLDER_DEPTH} folders deep`);
        } else visit(inner, `${path}/`, [...ancestors, next]);
      }
    }
  };

  // Walks from a folder along a path; says why that leads nowhere.
  const resolve = (
    from: readonly Folder<Member>[],
    target: string,
    depth: number,
  ): { readonly member: Member } | { readonly route: Folder<Member>[] } | string => {
    if (depth > MAX_LINK_DEPTH) return "which leads in a circle";
    if (/^([\\/]|[A-Za-z]:)/.test(target)) return "which is not in the archive";
    let route = [...from];
    const parts = target.split("/").filter((part) => part !== "" && part !== ".");
    for (const [i, part] of parts.entries()) {
      countStep();
      if (part === "..") {
        if (route.length <= 1) return "which is not in the archive";
        route.pop();
        continue;
      }
      const child = route.at(-1)?.children.get(part);
      if (child === undefined) return "which is not in the archive";
      const found = "target" in child ? resolve(route, child.target, depth + 1) : child;
      if (typeof found === "string") return found;
      if ("member" in found) {
        return i === parts.length - 1 ? found : "which is not in the archive";
      }
      route = "route" in found ? found.route : [...route, found];
    }
    return { route };
  };

  visit([root], "", [root]);
  return { members, broken };
}

function folderTree<Member extends object>(
  entries: ArchiveEntries<Member>,
  broken: Map<string, string>,
): Folder<Member> {
  const root: Folder<Member> = { children: new Map() };
  for (const [path, entry] of entries) {
    const parts = path.split("/");
    const name = parts.pop() ?? "";
    let folder: Folder<Member> | null = root;
    for (const part of parts) {
      const child: Node<Member> = folder.children.get(part) ?? { children: new Map() };
      folder.children.set(part, child);
      folder = "children" in child ? child : null;
      if (folder === null) break;
    }
    if (folder === null) broken.set(path, "lies in what is a link or a file");
    else folder.children.set(name, "target" in entry ? entry : { member: entry });
  }
  return root;
}
