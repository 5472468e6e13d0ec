/**
 * Runs tests under the validation layers of Vulkan, synchronization included, and fails if
 * they have anything to say (on Debian: the package vulkan-validationlayers).
 *
 *   deno run -A tools/validation/run_tests.ts [FILE OR FOLDER …]
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a script prints
import { join } from "node:path";

const SETTINGS = `khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.log_filename = stdout
khronos_validation.report_flags = info,warn,perf,error
khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT
`;

/** What the layers say when they start, and what they find. */
const STARTED = /createinstance-status-message/;
const FOUND = /\((?:WARN|ERROR|PERF)[A-Z]* \/ [A-Z]+\): msgNum/;

const DEFAULT_TESTS = [
  "tests/ops",
  "tests/gpu",
  "tests/core",
  "tests/tasks/doctor_test.ts",
];

const folder = await Deno.makeTempDir();
await Deno.writeTextFile(join(folder, "vk_layer_settings.txt"), SETTINGS);
const tests = Deno.args.length > 0 ? Deno.args : DEFAULT_TESTS;
const run = new Deno.Command(Deno.execPath(), {
  // Of their names the WebGPU half ends so.
  args: [
    ...["test", "--lock=tests/deno.lock", "-A", "--no-check"],
    ...["--filter", "/webgpu|doctor tests/", ...tests],
  ],
  env: {
    VK_INSTANCE_LAYERS: "VK_LAYER_KHRONOS_validation",
    VK_LAYER_SETTINGS_PATH: folder,
    DENO_WEBGPU_BACKEND: "vulkan",
    FST_REQUIRE_WEBGPU: "1",
    NO_COLOR: "1",
  },
  stdout: "piped",
  stderr: "inherit",
}).spawn();

let started = 0;
let messages = 0;
let rest = "";
for await (const text of run.stdout.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) {
    if (STARTED.test(line)) started++;
    else if (FOUND.test(line)) {
      messages++;
      console.log(line);
    } else if (/ \.\.\. |^ok \||^FAILED/.test(line)) console.log(line);
  }
}
const { success } = await run.status;
await Deno.remove(folder, { recursive: true });
if (started === 0) {
  console.log(
    "Cannot validate: the layers did not start; install vulkan-validationlayers",
  );
}
console.log(
  `${messages} messages of the validation layers, which started ${started} times`,
);
Deno.exit(success && started > 0 && messages === 0 ? 0 : 1);
