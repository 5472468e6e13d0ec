import assert from "node:assert/strict";
import { openMpiLibrary, shortVersion } from "../../src/distributed/mpi_library.ts";

function withLibrary(path: string, run: () => void): void {
  const before = Deno.env.get("FST_MPI");
  Deno.env.set("FST_MPI", path);
  try {
    run();
  } finally {
    if (before === undefined) Deno.env.delete("FST_MPI");
    else Deno.env.set("FST_MPI", before);
  }
}

const REFUSED = [
  ["/nowhere/libmpi.so", "there is no such library"],
  [import.meta.filename ?? "", "it cannot be opened ("],
  ["libm.so.6", "it is another library, without functions of MPI"],
] as const;

for (const [path, problem] of REFUSED) {
  Deno.test({
    name: `openMpiLibrary() says why FST_MPI cannot be used: ${problem}`,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      withLibrary(path, () => {
        assert.throws(
          () => openMpiLibrary({ launcher: "Open MPI" }),
          ({ message }: Error) =>
            message.startsWith(`Cannot use "${path}" as MPI: ${problem}`) &&
            message.endsWith("; name another library with FST_MPI"),
        );
      }),
  });
}

Deno.test("shortVersion() is name and version of Open MPI, MPICH and Intel MPI", () => {
  assert.equal(
    shortVersion("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4"),
    "Open MPI v4.1.4",
  );
  assert.equal(
    shortVersion("MPICH Version:      4.0.2\nMPICH Release date: x\n"),
    "MPICH 4.0.2",
  );
  assert.equal(
    shortVersion("Intel(R) MPI Library 2021.11 for Linux* OS\n\0"),
    "Intel(R) MPI Library 2021.11 for Linux* OS",
  );
});
