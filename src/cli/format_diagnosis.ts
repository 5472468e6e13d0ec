/** What the doctor found, in lines for people. @module */
import { checkTable } from "./check_table.ts";
import type { Diagnosis } from "../../mod.ts";
import type { Terminal } from "./terminal.ts";

/** Lays a diagnosis out. @returns Lines, without a line break at the end. */
export function formatDiagnosis(
  diagnosis: Diagnosis,
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  const { adapter, drivers, native, mpi } = diagnosis;
  const { autoBackend, backends, imageCodecError, advice } = diagnosis;
  const line = (title: string, text: string) => `${title.padEnd(11)}${text}`;
  const lines = [
    line("deno", `${Deno.version.deno} on ${Deno.build.os} ${Deno.build.arch}`),
    line(
      "adapter",
      adapter === null
        ? "no WebGPU adapter"
        : adapter.name + (adapter.software ? " (software: WebGPU on the CPU)" : ""),
    ),
    ...drivers.map((path, i) => line(i === 0 ? "drivers" : "", path)),
  ];
  if (adapter !== null) {
    lines.push(line("features", adapter.features.join(" ")));
    Object.entries(adapter.limits).forEach(([name, value], i) =>
      lines.push(line(i === 0 ? "limits" : "", `${name} ${value}`))
    );
  }
  lines.push(
    line(
      "backend",
      autoBackend === null ? "none" : `${autoBackend.name}: ${autoBackend.reason}`,
    ),
    line("oneDNN", describeNative(native)),
    line(
      "MPI",
      mpi.library === null
        ? `only for ranks that train together: ${mpi.problem}`
        : `${mpi.library.version} (${mpi.library.path})`,
    ),
    line("codecs", imageCodecError ?? "JPEG and PNG files can be read"),
  );
  for (const { name, checks, operations, error } of backends) {
    lines.push("", `self-test on ${name}`);
    const failed = operations.filter(({ passed }) => !passed);
    lines.push(error ?? checkTable([...checks, ...failed], terminal));
    if (operations.length > 0) {
      lines.push(
        `${operations.length - failed.length} of ${operations.length} operations agree ` +
          "with the CPU, at an odd and at an even size",
      );
    }
  }
  if (advice.length > 0) lines.push("", ...advice.map((each) => `- ${each}`));
  return lines.join("\n");
}

function describeNative({ engine, problem }: Diagnosis["native"]): string {
  if (problem !== null) return `not used: ${problem}`;
  if (engine === null) return "not wanted";
  const { path, version, instructionSet, runtime, threads } = engine;
  return `${version} at ${path}, ${instructionSet}, ${runtime}, ${threads} ` +
    `${threads === 1 ? "thread" : "threads"}: self-test passed`;
}
