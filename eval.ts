/** Evaluates a checkpoint: `deno run -A eval.ts runs/x/last.safetensors`. @module */
import { main } from "./tasks/eval.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
