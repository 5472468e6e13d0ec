/** What the doctor found, in lines for people. @module */
import { type CheckLine, checkTable } from "./check_table.ts";
import type { Terminal } from "./terminal.ts";

/** What there is to show; fits the library's `Diagnosis`. */
export interface DiagnosisParts {
  readonly adapter: {
    readonly name: string;
    readonly software: boolean;
    readonly features: readonly string[];
    readonly limits: Readonly<Record<string, number>>;
  } | null;
  readonly drivers: readonly string[];
  readonly chosen: { readonly name: string; readonly reason: string } | null;
  readonly backends: readonly {
    readonly name: string;
    readonly checks: readonly CheckLine[];
    readonly error: string | null;
  }[];
  readonly pictures: string | null;
  readonly advice: readonly string[];
}

/** Lays a diagnosis out. @returns Lines, without a line break at the end. */
export function diagnosisText(
  { adapter, drivers, chosen, backends, pictures, advice }: DiagnosisParts,
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
): string {
  const line = (title: string, text: string) => `${title.padEnd(11)}${text}`;
  const lines = [
    line("deno", `${Deno.version.deno} on ${Deno.build.os} ${Deno.build.arch}`),
    line(
      "adapter",
      adapter === null
        ? "none that WebGPU reaches"
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
    line("backend", chosen === null ? "none" : `${chosen.name}: ${chosen.reason}`),
    line("pictures", pictures ?? "JPEG and PNG files can be read"),
  );
  for (const { name, checks, error } of backends) {
    lines.push("", `self-test on ${name}`);
    lines.push(error ?? checkTable(checks, terminal));
  }
  if (advice.length > 0) lines.push("", ...advice.map((each) => `- ${each}`));
  return lines.join("\n");
}
