/**
 * To be imported before the libraries of the command line, which read variables of the
 * environment while they are loaded, and cannot be loaded without the right to.
 *
 * @module
 */

const NEEDED = ["NO_COLOR", "FORCE_COLOR", "LOG_TOKENS"];

for (const variable of NEEDED) {
  if (Deno.permissions.querySync({ name: "env", variable }).state === "granted") continue;
  const text = "Cannot start: this program has no env access: run with --allow-env\n";
  Deno.stderr.writeSync(new TextEncoder().encode(text));
  Deno.exit(1);
}
