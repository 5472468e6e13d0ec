/** The filter that reads images, and its weights for other channels than RGB. @module */
import type { HostTensor } from "../core/host_tensor.ts";
import type { Layer, Parameter } from "../core/network.ts";

const RGB_CHANNELS = 3;

/**
 * The same layer, whose filter takes the weights of one for RGB, as published encoders have
 * it, where images have another number of channels.
 *
 * @param name The parameter of the filter, [K, K, I, O].
 */
export function withImageFilter(layer: Layer, name: string): Layer {
  const adapt = (filter: Parameter): Parameter => {
    const channels = filter.shape[2] ?? RGB_CHANNELS;
    if (filter.name !== name || channels === RGB_CHANNELS) return filter;
    return { ...filter, adaptShape: (value) => adaptRgbFilter(value, channels) };
  };
  return { ...layer, parameters: layer.parameters.map(adapt) };
}

/**
 * Makes a filter for C channels of one for RGB: with C = 1 the sum over red, green and
 * blue; else these three again and again, times 3/C, so that an image whose channels are
 * all alike gives what a gray one gave.
 *
 * Source: `adapt_input_conv` of timm, https://github.com/huggingface/pytorch-image-models.
 *
 * @param value float32. [O, 3, K, K]
 * @returns float32 [O, C, K, K]; null if the filter is not for three channels.
 */
export function adaptRgbFilter(value: HostTensor, channels: number): HostTensor | null {
  const [filters = 0, from, ...window] = value.shape;
  const isRgbFilter = value.shape.length === 4 && from === RGB_CHANNELS;
  if (value.dtype !== "F32" || !isRgbFilter) return null;
  const area = window.reduce((all, side) => all * side, 1);
  const rgb = new Float32Array(value.bytes.slice().buffer);
  const adapted = new Float32Array(filters * channels * area);
  const scale = Math.fround(RGB_CHANNELS / channels);
  for (let at = 0; at < adapted.length; at++) {
    const [filter, place] = [Math.floor(at / (channels * area)), at % area];
    const channel = Math.floor(at / area) % channels;
    const valueOf = (c: number) => rgb[(filter * RGB_CHANNELS + c) * area + place] ?? 0;
    adapted[at] = channels === 1
      ? Math.fround(valueOf(0) + valueOf(1)) + valueOf(2)
      : valueOf(channel % RGB_CHANNELS) * scale;
  }
  const bytes = new Uint8Array(adapted.buffer);
  return { dtype: "F32", shape: [filters, channels, ...window], bytes };
}
