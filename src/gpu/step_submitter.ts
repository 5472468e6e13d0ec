/**
 * The commands of a recorded step in as many submits as the device needs: systems reset a
 * GPU that works for seconds at one of them, and a screen on the same GPU stands still.
 *
 * The first time small pieces are submitted one by one and timed, smaller ones again where
 * that is too long. Then they are put together as far as a submit takes no longer than it
 * may; a command that takes longer than one may by itself becomes several that compute a
 * part of its grid each. Neither changes a bit of what is computed.
 *
 * @module
 */
import { partOfPipeline } from "./compile.ts";

/** How long the device may work, in seconds. */
export interface TimeLimits {
  /** At a submit; also what the parts of a command take. */
  readonly submit: number;
  /** At a command. */
  readonly command: number;
}

/** What no system takes for a hang. */
export const TIME_LIMITS: TimeLimits = { submit: 0.2, command: 0.5 };

/** One dispatch. */
export interface DispatchCommand {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** Submits the same commands again and again. */
export interface StepSubmitter {
  /** @param encodeLast Adds to the last submit. */
  submit<R>(encodeLast: (encoder: GPUCommandEncoder) => R): R;
}

/** Pieces at first; each is a submit until it is timed. */
const FIRST_PIECES = 512;
/** Passes that a set of queries can time: of 4,096 queries, the limit of WebGPU. */
const MAX_TIMED_PASSES = 2048;

/**
 * @param log Is told how a step is split, and what cannot be.
 */
export function createStepSubmitter(
  device: GPUDevice,
  commands: readonly DispatchCommand[],
  log: (line: string) => void,
  limits: TimeLimits,
): StepSubmitter {
  let pieces = piecesOf(commands, Math.ceil(commands.length / FIRST_PIECES));
  let state: "unknown" | "measuring" | "known" = "unknown";

  const onMeasured = (seconds: readonly number[]) => {
    const isCoarse = pieces.some((piece, i) =>
      piece.length > 1 && (seconds[i] ?? 0) > limits.submit
    );
    if (isCoarse) { // once more, in smaller pieces where they are slow
      pieces = pieces.flatMap((piece, i) => {
        const parts = 2 * Math.ceil((seconds[i] ?? 0) / limits.submit);
        return parts > 2 ? piecesOf(piece, Math.ceil(piece.length / parts)) : [piece];
      });
      state = "unknown";
      return;
    }
    const parts = pieces.map((piece, i) =>
      splitIfSlow(piece, seconds[i] ?? 0, limits, log)
    );
    pieces = planSubmits(parts.flat(), limits.submit)
      .map((submit) => submit.flatMap(({ commands }) => commands));
    state = "known";
    const total = seconds.reduce((sum, one) => sum + one, 0);
    if (pieces.length > 1) {
      log(
        `an iteration takes ${total.toFixed(2)} s on this device: it goes there in ` +
          `${pieces.length} submits`,
      );
    }
  };

  return {
    submit(encodeLast) {
      const timer = state === "unknown" ? createTimer(device, pieces.length) : null;
      pieces.slice(0, -1).forEach((piece, i) => {
        const encoder = device.createCommandEncoder();
        encode(encoder, piece, timer?.passDescriptor(i));
        device.queue.submit([encoder.finish()]);
      });
      const encoder = device.createCommandEncoder();
      encode(encoder, pieces.at(-1) ?? [], timer?.passDescriptor(pieces.length - 1));
      const result = encodeLast(encoder);
      timer?.resolve(encoder);
      device.queue.submit([encoder.finish()]);
      if (timer !== null) {
        state = "measuring";
        // A device that fails says so where a tensor is read back.
        timer.read().then(onMeasured, () => state = "known");
      }
      return result;
    },
  };
}

/** Commands that go together and take so long. */
interface TimedCommands {
  readonly commands: readonly DispatchCommand[];
  readonly seconds: number;
}

/** Puts neighbors together as long as they take no longer than the limit. */
export function planSubmits<T extends { readonly seconds: number }>(
  parts: readonly T[],
  limit: number,
): T[][] {
  const submits: T[][] = [];
  let sum = Infinity;
  for (const part of parts) {
    sum += part.seconds;
    if (sum > limit) {
      submits.push([]);
      sum = part.seconds;
    }
    submits.at(-1)?.push(part);
  }
  return submits;
}

/**
 * The grids of the parts of a dispatch: whole rows of workgroups, or parts of the only one.
 *
 * @returns At most `count` parts.
 */
export function splitGrid(
  [x, y, z]: DispatchCommand["workgroups"],
  count: number,
): { firstGroup: number; workgroups: DispatchCommand["workgroups"] }[] {
  const along = y > 1 ? y : x;
  const size = Math.max(1, Math.ceil(along / count));
  return Array.from({ length: Math.ceil(along / size) }, (_, i) => {
    const first = i * size;
    const length = Math.min(size, along - first);
    return y > 1
      ? { firstGroup: first * x, workgroups: [x, length, z] }
      : { firstGroup: first, workgroups: [length, y, z] };
  });
}

// Piece by piece: each becomes a submit of its own, or a part of one.
function splitIfSlow(
  commands: readonly DispatchCommand[],
  seconds: number,
  limits: TimeLimits,
  log: (line: string) => void,
): TimedCommands[] {
  const [command] = commands;
  if (command === undefined || commands.length > 1 || seconds <= limits.command) {
    return [{ commands, seconds }];
  }
  const { pipeline, workgroups } = command;
  const grids = partOfPipeline(pipeline, 0) === null
    ? []
    : splitGrid(workgroups, Math.ceil(seconds / limits.submit));
  if (grids.length < 2) {
    log(
      `"${pipeline.label || "an operation of tfjs"}" takes ${seconds.toFixed(1)} s on ` +
        "this device in one command, which cannot be split: if the system resets the GPU, " +
        'use a smaller "data.cropSize"',
    );
    return [{ commands, seconds }];
  }
  return grids.map(({ firstGroup, workgroups }) => ({
    commands: [{
      ...command,
      pipeline: partOfPipeline(pipeline, firstGroup) ?? pipeline,
      workgroups,
    }],
    seconds: seconds / grids.length,
  }));
}

function piecesOf(
  commands: readonly DispatchCommand[],
  wantedSize: number,
): (readonly DispatchCommand[])[] {
  const size = Math.max(1, wantedSize);
  return Array.from(
    { length: Math.ceil(commands.length / size) },
    (_, i) => commands.slice(i * size, (i + 1) * size),
  );
}

function encode(
  encoder: GPUCommandEncoder,
  commands: readonly DispatchCommand[],
  descriptor?: GPUComputePassDescriptor,
): void {
  const pass = encoder.beginComputePass(descriptor);
  let current: GPUComputePipeline | null = null;
  for (const { pipeline, bindGroup, workgroups: [x, y, z] } of commands) {
    if (pipeline !== current) pass.setPipeline(current = pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(x, y, z);
  }
  pass.end();
}

/** Times passes. */
interface Timer {
  passDescriptor(pass: number): GPUComputePassDescriptor;
  /** After the last pass. */
  resolve(encoder: GPUCommandEncoder): void;
  /** Seconds per pass. */
  read(): Promise<number[]>;
}

function createTimer(device: GPUDevice, passes: number): Timer {
  if (!device.features.has("timestamp-query") || passes > MAX_TIMED_PASSES) {
    return createClock(device, passes);
  }
  const count = 2 * passes;
  const size = 8 * count;
  const querySet = device.createQuerySet({ type: "timestamp", count });
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const resolved = device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SRC });
  const staging = device.createBuffer({ size, usage: COPY_DST | MAP_READ });
  return {
    passDescriptor: (pass) => ({
      timestampWrites: {
        querySet,
        beginningOfPassWriteIndex: 2 * pass,
        endOfPassWriteIndex: 2 * pass + 1,
      },
    }),
    resolve(encoder) {
      encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    },
    async read() {
      await staging.mapAsync(GPUMapMode.READ);
      const nanoseconds = new BigUint64Array(staging.getMappedRange().slice(0));
      [querySet, resolved, staging].forEach((one) => one.destroy());
      return Array.from({ length: passes }, (_, pass) => {
        const [from = 0n, to = 0n] = nanoseconds.subarray(2 * pass);
        return to > from ? Number(to - from) / 1e9 : 0;
      });
    },
  };
}

// Without timestamps: the time of all, in equal shares, twice: shares are not equal.
function createClock(device: GPUDevice, passes: number): Timer {
  const start = performance.now();
  return {
    passDescriptor: () => ({}),
    resolve() {},
    async read() {
      await device.queue.onSubmittedWorkDone();
      const seconds = 2 * (performance.now() - start) / 1000;
      return Array.from({ length: passes }, () => seconds / passes);
    },
  };
}
