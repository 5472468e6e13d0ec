/**
 * The commands of a recorded step in as many submits as the device needs: systems reset a
 * GPU that works for seconds at one of them, and a screen on the same GPU stands still.
 *
 * The first time small pieces are submitted one by one and timed, smaller ones again where
 * that is too long. Then they are put together as far as a submit takes no longer than it
 * may; a command that takes longer than one may by itself becomes several that compute a
 * part of its grid each. Neither changes a bit of what is computed.
 *
 * An exchange cuts a step: what comes before it is a submit of its own. On a device without
 * timestamps a step with exchanges stays in the first pieces, for its time would be that of
 * the exchanges, too.
 *
 * @module
 */
import { type BufferExchange, exchangeBuffers } from "./buffer_exchange.ts";
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

/** What a step does on the device, or by way of the host. */
export type StepCommand = DispatchCommand | BufferExchange;

/** Submits the same commands again and again. */
export interface StepSubmitter {
  /** @param encodeLast Adds to the last submit. */
  submit<R>(encodeLast: (encoder: GPUCommandEncoder) => R): R;
}

/** Dispatches that go together, and the exchange after them, if one follows. */
interface Piece {
  readonly commands: readonly DispatchCommand[];
  readonly exchange: BufferExchange | null;
}

/** Pieces at first, without exchanges; each is a submit until it is timed. */
const FIRST_PIECES = 512;
/** Passes that a set of queries can time: of 4,096 queries, the limit of WebGPU. */
const MAX_TIMED_PASSES = 2048;

/**
 * @param log Is told how a step is split, and what cannot be.
 */
export function createStepSubmitter(
  device: GPUDevice,
  commands: readonly StepCommand[],
  log: (line: string) => void,
  limits: TimeLimits,
): StepSubmitter {
  const parts = cutAtExchanges(commands);
  const firstSize = Math.ceil(commands.length / FIRST_PIECES);
  let pieces = parts.flatMap((part) => piecesOf(part, firstSize));
  let state: "unknown" | "measuring" | "known" = "unknown";

  const onMeasured = (seconds: readonly number[]) => {
    const isCoarse = pieces.some((piece, i) =>
      piece.commands.length > 1 && (seconds[i] ?? 0) > limits.submit
    );
    if (isCoarse) { // once more, in smaller pieces where they are slow
      pieces = pieces.flatMap((piece, i) => {
        const count = 2 * Math.ceil((seconds[i] ?? 0) / limits.submit);
        const size = Math.ceil(piece.commands.length / count);
        return count > 2 ? piecesOf(piece, size) : [piece];
      });
      state = "unknown";
      return;
    }
    const timed = pieces.map((piece, i) =>
      splitIfSlow(piece, seconds[i] ?? 0, limits, log)
    );
    pieces = planSubmits(timed.flat(), limits.submit).map((submit) => ({
      commands: submit.flatMap(({ commands }) => commands),
      exchange: submit.at(-1)?.exchange ?? null,
    }));
    state = "known";
    const total = seconds.reduce((sum, one) => sum + one, 0);
    if (pieces.length > parts.length) {
      log(
        `an iteration takes ${total.toFixed(2)} s on this device: it goes there in ` +
          `${pieces.length} submits`,
      );
    }
  };

  return {
    submit(encodeLast) {
      const timer = state === "unknown"
        ? createTimer(device, pieces.length, parts.length > 1)
        : null;
      pieces.slice(0, -1).forEach(({ commands, exchange }, i) => {
        const encoder = device.createCommandEncoder();
        encode(encoder, commands, timer?.passDescriptor(i));
        device.queue.submit([encoder.finish()]);
        if (exchange !== null) exchangeBuffers(device, exchange);
      });
      const encoder = device.createCommandEncoder();
      const last = pieces.at(-1)?.commands ?? [];
      encode(encoder, last, timer?.passDescriptor(pieces.length - 1));
      const result = encodeLast(encoder);
      timer?.resolve(encoder);
      device.queue.submit([encoder.finish()]);
      if (timer === null) {
        if (state === "unknown") state = "known";
      } else {
        state = "measuring";
        // A device that fails says so where a tensor is read back.
        timer.read().then(onMeasured, () => state = "known");
      }
      return result;
    },
  };
}

/** A piece that takes so long. */
interface TimedPiece extends Piece {
  readonly seconds: number;
}

/**
 * Puts neighbors together as long as they take no longer than the limit, and none after an
 * exchange together with what is before it.
 */
export function planSubmits<T extends Pick<TimedPiece, "seconds" | "exchange">>(
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
    if (part.exchange !== null) sum = Infinity;
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
  piece: Piece,
  seconds: number,
  limits: TimeLimits,
  log: (line: string) => void,
): TimedPiece[] {
  const { commands: [command, ...others], exchange } = piece;
  if (command === undefined || others.length > 0 || seconds <= limits.command) {
    return [{ ...piece, seconds }];
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
    return [{ ...piece, seconds }];
  }
  return grids.map(({ firstGroup, workgroups }, i) => ({
    commands: [{
      ...command,
      pipeline: partOfPipeline(pipeline, firstGroup) ?? pipeline,
      workgroups,
    }],
    exchange: i === grids.length - 1 ? exchange : null,
    seconds: seconds / grids.length,
  }));
}

// The last part has no exchange after it.
function cutAtExchanges(commands: readonly StepCommand[]): Piece[] {
  const parts: Piece[] = [];
  let dispatches: DispatchCommand[] = [];
  for (const command of commands) {
    if ("pipeline" in command) {
      dispatches.push(command);
      continue;
    }
    parts.push({ commands: dispatches, exchange: command });
    dispatches = [];
  }
  return [...parts, { commands: dispatches, exchange: null }];
}

function piecesOf({ commands, exchange }: Piece, wantedSize: number): Piece[] {
  const size = Math.max(1, wantedSize);
  const count = Math.max(1, Math.ceil(commands.length / size));
  return Array.from({ length: count }, (_, i) => ({
    commands: commands.slice(i * size, (i + 1) * size),
    exchange: i === count - 1 ? exchange : null,
  }));
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

function createTimer(
  device: GPUDevice,
  passes: number,
  hasExchanges: boolean,
): Timer | null {
  if (!device.features.has("timestamp-query") || passes > MAX_TIMED_PASSES) {
    return hasExchanges ? null : createClock(device, passes);
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
