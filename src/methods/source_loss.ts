/**
 * The source term of an objective, which no teacher changes, and its cache.
 *
 *   S(θ, b) = C(θ; source) + λ·FD(θ; source), C being the criterion
 *
 * Within an iteration, the frozen features of a batch and the mask of its labels do not
 * depend on θ. S and its gradient depend on the trained parameters of θ alone if the
 * forward pass draws nothing: batch norm normalizes with the statistics of the batch. When
 * S is reused, the running statistics are updated by the statistics of the stored pass.
 *
 * @module
 */
import type { Batch } from "../core/batch.ts";
import type { Network, Parameter, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { releaseWeights } from "../core/weights.ts";
import { type Criterion, criterionLoss } from "../objectives/criterion.ts";
import {
  accumulateGradient,
  type MicroBatch,
  scaleToBatch,
  sliceMicroBatch,
} from "./gradient_accumulation.ts";
import {
  type CacheMode,
  type ForwardSideEffects,
  type LossesAndGradient,
  recordLoss,
  releaseLosses,
  releaseStatsUpdates,
  studentContext,
} from "./learner.ts";

/** The distance to the features of a frozen network on one batch. */
export interface BatchFeatureDistance {
  /** What a micro-batch contributes to λ·FD; differentiable. */
  distance(features: readonly tf.Tensor4D[], microBatch: MicroBatch): tf.Scalar;
  /** Frees the frozen features. */
  release(): void;
}

/** Runs the frozen network on a batch. */
export type FeatureDistance = (batch: Batch) => BatchFeatureDistance;

/** What the passes of an iteration share. */
export interface ReuseOptions {
  /** Whether equal results are computed once; changes no result. */
  readonly reuse: boolean;
  /**
   * Whether passes of the same weights on the same batch share their draws of dropout on
   * the source, so that S can be reused for every network. Changes results.
   */
  readonly shareDropout: boolean;
}

/** The parts of the loss. */
export interface SourceLossOptions extends ReuseOptions {
  readonly network: Network;
  readonly seed: number;
  /** The loss of labeled pixels, C. */
  readonly criterion: Criterion;
  readonly featureDistance: FeatureDistance | null;
  /**
   * Micro-batches per batch, see `gradient_accumulation.ts`.
   * @default {1}
   */
  readonly accumulationSteps?: number;
}

/**
 * The losses "source", with those of its terms if they are a list, and "featureDistance",
 * and ∇S; the caller releases both.
 */
export interface SourceLossesAndGradient extends LossesAndGradient {
  readonly losses: Map<string, tf.Scalar>;
}

/** S with its cache. */
export interface SourceLoss {
  /** Computes S and its gradient, or reuses them. */
  forwardBackward(
    student: Weights,
    batch: Batch,
    forwardIndex: number,
    cacheMode: CacheMode,
  ): SourceLossesAndGradient;
  /** Frees the cache. */
  clearCache(): void;
}

interface BatchCache {
  featureDistance: BatchFeatureDistance | null;
  /** n of the stored pass. */
  storedForwardIndex: number | null;
  stored:
    | (SourceLossesAndGradient & Pick<ForwardSideEffects, "runningStatsUpdates">)
    | null;
}

/** Builds the loss. */
export function sourceLoss(
  {
    network,
    seed,
    criterion,
    featureDistance,
    reuse,
    shareDropout,
    accumulationSteps = 1,
  }: SourceLossOptions,
): SourceLoss {
  const caches = new Map<Batch, BatchCache>();
  const buffers = network.parameters.filter(({ trainable, isFrozen = false }) =>
    !trainable && !isFrozen
  );

  // Not if S depends on random draws, or a layer updates buffers without reporting it.
  const isReusable = ({ usedRng, runningStatsUpdates }: ForwardSideEffects): boolean => {
    const updated = new Set(
      runningStatsUpdates.flatMap(({ buffers }) => buffers.map(({ name }) => name)),
    );
    return (!usedRng || shareDropout) && buffers.every(({ name }) => updated.has(name));
  };

  return {
    forwardBackward(student, batch, forwardIndex, cacheMode) {
      const cache = caches.get(batch) ??
        { featureDistance: null, storedForwardIndex: null, stored: null };
      caches.set(batch, cache);
      if (cacheMode === "reuse" && cache.stored !== null) {
        for (const update of cache.stored.runningStatsUpdates) update.apply(student);
        return cloneResult(cache.stored);
      }
      if (cacheMode === "store") cache.storedForwardIndex = forwardIndex;
      const dropoutIndex = shareDropout && cacheMode === "reuse"
        ? cache.storedForwardIndex ?? forwardIndex
        : forwardIndex;
      const sideEffects: ForwardSideEffects | null = reuse && cacheMode === "store"
        ? { usedRng: false, runningStatsUpdates: [] }
        : null;
      const batchDistance = cache.featureDistance ?? featureDistance?.(batch) ?? null;
      const losses = new Map<string, tf.Scalar>();
      const { images, labels } = batch.source;
      const gradient = accumulateGradient(
        network,
        student,
        images,
        accumulationSteps,
        (sampleOffset) =>
          studentContext(seed, "source", dropoutIndex, { sampleOffset, sideEffects }),
        (output, microBatch) =>
          criterionLoss(
            criterion,
            output,
            { labels: sliceMicroBatch(labels, microBatch), batchLabels: labels },
            network.decoder,
            (name, loss) => recordLoss(losses, name, scaleToBatch(loss, microBatch)),
          ),
        (part, { features }, microBatch) => {
          const loss = recordLoss(losses, "source", part);
          if (batchDistance === null) return loss;
          const distance = batchDistance.distance(features, microBatch);
          return tf.add(loss, recordLoss(losses, "featureDistance", distance));
        },
      );
      if (reuse) cache.featureDistance = batchDistance;
      else batchDistance?.release();
      if (sideEffects === null) return { losses, gradient };
      const { runningStatsUpdates } = sideEffects;
      if (!isReusable(sideEffects)) {
        releaseStatsUpdates(runningStatsUpdates);
        return { losses, gradient };
      }
      cache.stored = { losses, gradient, runningStatsUpdates };
      return cloneResult(cache.stored);
    },
    clearCache() {
      for (const { featureDistance, stored } of caches.values()) {
        featureDistance?.release();
        if (stored === null) continue;
        releaseLosses(stored.losses);
        releaseWeights(stored.gradient);
        releaseStatsUpdates(stored.runningStatsUpdates);
      }
      caches.clear();
    },
  };
}

/**
 * S of virtual steps that move a part of the student. The first one, where all of it is as
 * it is in the real step, computes the whole gradient, which the real step reuses.
 *
 * @param whole S of the real step, with shared draws.
 * @param captured Runs the pass that the later ones take the rest of the student from.
 * @param partial S of the later ones.
 */
export function partialSourceLoss(
  whole: SourceLoss,
  captured: <T>(run: () => T) => T,
  partial: SourceLoss,
  parameters: readonly Parameter[],
): SourceLoss {
  const moved = parameters.filter(({ trainable }) => trainable);
  const names = new Set(moved.map(({ name }) => name));
  return {
    forwardBackward(student, batch, forwardIndex, cacheMode) {
      if (cacheMode !== "store") {
        return partial.forwardBackward(student, batch, forwardIndex, cacheMode);
      }
      const { losses, gradient } = captured(() =>
        whole.forwardBackward(student, batch, forwardIndex, cacheMode)
      );
      const isMoved = ([name]: readonly [string, unknown]) => names.has(name);
      releaseWeights(new Map([...gradient].filter((entry) => !isMoved(entry))));
      return { losses, gradient: new Map([...gradient].filter(isMoved)) };
    },
    clearCache: partial.clearCache,
  };
}

// The same values in tensors of their own.
function cloneResult(
  { losses, gradient }: SourceLossesAndGradient,
): SourceLossesAndGradient {
  const copy = <T extends tf.Tensor>(tensors: ReadonlyMap<string, T>) =>
    new Map([...tensors].map(([name, tensor]) => [name, tf.clone(tensor)]));
  return { losses: copy(losses), gradient: copy(gradient) };
}
