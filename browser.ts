/**
 * A trained network in a page, without a server: on WebGPU where there is one, else on
 * WebAssembly. `deno task bundle` makes one file of it, `fst.js`, that a page imports.
 *
 * ```js ignore
 * import { networkFrom, pictureFrom } from "./fst.js";
 *
 * const answer = await fetch("network.safetensors"); // of deno task demo-page
 * const network = await networkFrom(new Uint8Array(await answer.arrayBuffer()));
 * const picture = await pictureFrom(await (await fetch("street.jpg")).blob());
 * const labels = await network.predict(picture); // class ids, [height, width]
 * console.log(network.classes[labels[0]].name, network.backend.adapter);
 * ```
 *
 * Nothing that it reaches needs Deno or Node.js. A prediction takes the thread that it is
 * called in: call it in a Web Worker, as the page of `deno task demo-page` does.
 *
 * @module
 */
export {
  networkFrom,
  type PageNetwork,
  type PageNetworkOptions,
} from "./src/browser/network.ts";
export { type Picture, pictureFrom, type PictureOptions } from "./src/browser/picture.ts";
export type { Size } from "./src/config/ranges.ts";
export type { BackendChoice, BackendInfo, EngineInfo } from "./src/core/device.ts";
export type { ClassInfo } from "./src/core/host_batch.ts";
export type { TestTimeAugmentation } from "./src/evaluate/predict_image.ts";
export type { RgbImage } from "./src/formats/image_codec.ts";
