/** A value → a checked configuration. @module */
import { problemLines } from "./problems.ts";
import { type RunConfig, RunSchema } from "./schema.ts";

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
  throw new SyntaxError(
    `Cannot use "${fileName}":\n${problems.map((line) => `  ${line}`).join("\n")}`,
  );
}
