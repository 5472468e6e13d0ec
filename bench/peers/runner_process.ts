/**
 * fst in a process of its own, which is what threads, an import map and the time of the
 * processor belong to. Speaks the lines of {@linkcode serveWork}.
 *
 * @module
 */
import { openBackend } from "../../src/core/backend.ts";
import { openWork } from "./our_work.ts";
import { serveWork } from "./serve_work.ts";
import { outputDifference, readTaskFile, valuesOf, writeTaskFile } from "./task_file.ts";

/**
 * What computes on the CPU, by FST_THREADS and FST_NATIVE as for the commands. A checkout
 * takes of it what it knows.
 */
function cpuOptionsOfEnvironment(): {
  readonly native: string;
  readonly threads?: number;
} {
  const threads = Deno.env.get("FST_THREADS");
  return {
    native: Deno.env.get("FST_NATIVE") || "auto",
    ...(threads && { threads: Number(threads) }),
  };
}

if (import.meta.main) {
  await serveWork(async ({ work: requested, file, isWritten, backend }) => {
    const { name, adapter } = await openBackend(backend, cpuOptionsOfEnvironment());
    const work = await openWork(requested);
    const { parameters, tensors } = work;
    let difference = 0;
    if (isWritten) {
      difference = outputDifference(
        await readTaskFile(file),
        valuesOf(tensors, "output"),
      );
    } else await writeTaskFile(file, tensors);
    const description = `fst on ${name} (${adapter})`;
    return { answer: { description, parameters, difference, backend: name }, work };
  });
  Deno.exit(0); // a GPU device would keep the process
}
