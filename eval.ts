/** Evaluates a checkpoint, as `deno task eval` does: `deno run -A eval.ts CHECKPOINT`. @module */
import { main } from "./tasks/eval.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
