/** A value → a checked configuration. @module */
import { problemLines } from "./problems.ts";
import { type RunConfig, RunSchema } from "./schema.ts";

/** Problems that are told; a file of another kind may have thousands. */
const MAX_PROBLEMS = 20;

/**
 * Checks a configuration.
 *
 * @param root With the present names of keys.
 * @param fileName For messages.
 * @returns The configuration with every default filled in.
 * @throws {SyntaxError} If it is none: one line per problem, each with its path.
 */
export function checkConfig(root: unknown, fileName: string): RunConfig {
  const result = RunSchema.safeParse(root);
  if (result.success) return result.data;
  const problems = problemLines(result.error, RunSchema, root);
  const lines = problems.slice(0, MAX_PROBLEMS).map((line) => `  ${line}`);
  const rest = problems.length - lines.length;
  if (rest > 0) lines.push(`  and ${rest} more`);
  throw new SyntaxError(`Cannot use "${fileName}":\n${lines.join("\n")}`);
}
