// The page: takes pictures, shows what the worker answers.

"use strict";

const element = (id) => document.getElementById(id);
const [image, overlay, video] = [element("image"), element("overlay"), element("video")];
const WHITE_SPACE = "\u00a0";

const BACKENDS = ["auto", "webgpu", "wasm"];
const asked = new URLSearchParams(location.search).get("backend");
const backend = BACKENDS.includes(asked) ? asked : "auto";
let worker = null;
let ready = null; // classes, and where the network computes
let busy = null; // the picture that the worker has
let next = null; // what waits for it
let shown = null; // labels and sizes of the picture that is shown
let hidden = new Set(); // ids of classes
let stream = null; // of the camera

start();

function start() {
  element("backend").value = backend;
  if (location.protocol === "file:") {
    return fail(
      "Cannot start from a file: browsers give such pages no workers; serve the folder, " +
        'as with "python3 -m http.server", and open the address that it prints',
    );
  }
  worker = new Worker("worker.js", { type: "module" });
  worker.onmessage = ({ data }) => receive(data);
  worker.onerror = ({ message }) =>
    fail(
      `Cannot start "worker.js": ${message ?? "it is missing here"}; upload the whole ` +
        "folder that demo-page has written",
    );
  worker.postMessage({ open: backend });
  showProgress({ text: "Loading the library …", done: null });
}

function receive(message) {
  if (message.progress) showProgress(message.progress);
  else if (message.ready) showReady(message.ready);
  else if (message.labels) showLabels(message);
  else if (message.error) showFailure(message);
}

function showProgress({ text, done }) {
  element("status").textContent = text;
  const progress = element("progress");
  progress.hidden = false;
  progress.classList.toggle("endless", done === null);
  progress.style.setProperty("--done", done ?? 0);
}

function showReady(message) {
  ready = message;
  const { classes, role, iteration } = ready;
  element("network").textContent = `${classes.length} classes, ${role} after ${
    iteration.toLocaleString("en")
  } iterations`;
  showLegend();
  showIdle();
  performance.mark("fst-ready");
  if (busy === null) labelNext();
}

function showIdle() {
  const { backend, adapter, reason } = ready;
  const where = backend === "webgpu" ? `WebGPU on ${adapter}` : adapter;
  element("status").textContent = `${where}: ${reason}.`;
  element("progress").hidden = true;
}

// A failure that ends the page has nothing else to wait for.
function fail(text) {
  showError(text);
  element("status").textContent = WHITE_SPACE;
  element("progress").hidden = true;
  for (const id of ["file", "choose", "camera"]) element(id).disabled = true;
}

function showError(text, action = null) {
  element("error").hidden = false;
  element("error-text").textContent = text;
  const button = element("error-action");
  button.hidden = action === null;
  button.textContent = action?.text ?? "";
  button.onclick = action?.run ?? null;
}

function showFailure({ error, isTooLarge }) {
  if (ready === null) return fail(error);
  const refused = busy;
  busy = null;
  showIdle();
  stopCamera();
  if (refused === null) return showError(error);
  element("picture").hidden = shown === null;
  element("drop").hidden = shown !== null;
  const canScale = isTooLarge && !refused.scaleDown;
  showError(
    error,
    canScale
      ? { text: "Scale it down", run: () => label({ ...refused, scaleDown: true }) }
      : null,
  );
}

// Pictures ------------------------------------------------------------------------------

/** Labels a picture; one that waits is replaced, as only the newest is of interest. */
function label(picture) {
  element("error").hidden = true;
  next = picture;
  if (busy === null && ready !== null) labelNext();
}

function labelNext() {
  if (next === null) return;
  [busy, next] = [next, null];
  if (stream === null) showProgress({ text: `Labeling ${busy.name} …`, done: null });
  const { source, name, scaleDown = false } = busy;
  performance.mark("fst-picture");
  const transfer = source instanceof ImageBitmap ? [source] : [];
  worker.postMessage({ label: source, name, scaleDown }, transfer);
}

async function showLabels({ labels, width, height, originalSize, milliseconds }) {
  const { source, still } = busy;
  shown = { labels, width, height };
  [image.width, image.height] = [width, height];
  const bitmap = still ??
    await createImageBitmap(source, { colorSpaceConversion: "none" });
  const context = image.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  busy = null;
  [overlay.width, overlay.height] = [width, height];
  drawOverlay();
  element("drop").hidden = true;
  element("picture").hidden = false;
  element("figures").hidden = false;
  element("save").disabled = false;
  element("time").textContent = formatTime(milliseconds);
  const isScaled = originalSize.width !== width || originalSize.height !== height;
  element("size").textContent = `${width}×${height}`;
  showShares();
  showIdle();
  if (isScaled) {
    const { width: before, height: above } = originalSize;
    element("status").textContent += ` Scaled down from ${before}×${above}.`;
  }
  performance.mark("fst-overlay");
  labelNext();
  if (stream !== null) requestAnimationFrame(labelFrame);
}

function drawOverlay() {
  const { labels, width, height } = shown;
  const pixels = new ImageData(width, height);
  const colors = new Uint32Array(pixels.data.buffer); // little-endian: A, B, G, R
  const byClass = Uint32Array.from(
    ready.classes,
    ({ color: [red, green, blue] }, id) =>
      hidden.has(id) ? 0 : (255 << 24) | (blue << 16) | (green << 8) | red,
  );
  for (let i = 0; i < labels.length; i++) colors[i] = byClass[labels[i]];
  overlay.getContext("2d").putImageData(pixels, 0, 0);
}

function formatTime(milliseconds) {
  return milliseconds < 10_000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}

// Legend --------------------------------------------------------------------------------

function showLegend() {
  hidden = new Set();
  const entries = ready.classes.map(({ name, color }, id) => {
    const [entry, button, swatch, share] = ["li", "button", "i", "output"]
      .map((tag) => document.createElement(tag));
    const text = document.createElement("span");
    text.textContent = name;
    swatch.style.setProperty("--class-color", `rgb(${color.join(" ")})`);
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.title = `Show or hide ${name}`;
    button.onclick = () => {
      if (!hidden.delete(id)) hidden.add(id);
      button.setAttribute("aria-pressed", String(!hidden.has(id)));
      if (shown !== null) drawOverlay();
    };
    button.append(swatch, text, share);
    entry.append(button);
    return entry;
  });
  element("legend").replaceChildren(...entries);
}

function showShares() {
  const counts = new Uint32Array(ready.classes.length);
  for (const id of shown.labels) counts[id]++;
  [...element("legend").children].forEach((entry, id) => {
    const share = counts[id] / shown.labels.length;
    entry.querySelector("output").textContent = share === 0
      ? ""
      : share < 0.001
      ? "< 0.1 %"
      : `${(100 * share).toFixed(1)} %`;
  });
}

// Camera --------------------------------------------------------------------------------

async function startCamera() {
  element("error").hidden = true;
  if (navigator.mediaDevices === undefined) {
    return showError(
      "Cannot use the camera: browsers allow it on https:// and on localhost only",
    );
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 640 } },
    });
  } catch (error) {
    return showError(`Cannot use the camera: ${error.message.replace(/[.\s]+$/, "")}`);
  }
  for (const track of stream.getTracks()) track.onended = stopCamera; // unplugged
  element("camera").textContent = "Stop camera";
  video.srcObject = stream;
  await video.play();
  if (busy === null) labelFrame();
}

function stopCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  video.srcObject = null;
  element("camera").textContent = "Use camera";
}

/** Labels what the camera sees now; the frame is shown with its labels, not before. */
async function labelFrame() {
  if (stream === null || busy !== null) return;
  const [source, still] = await Promise.all([
    createImageBitmap(video),
    createImageBitmap(video),
  ]);
  label({ source, still, name: "the camera's picture" });
}

// Controls ------------------------------------------------------------------------------

function takeFile(file) {
  if (file === undefined) return;
  stopCamera();
  label({ source: file, name: file.name });
}

element("file").onchange = ({ target }) => {
  takeFile(target.files[0]);
  target.value = ""; // the same file may be chosen again
};
element("choose").onclick = () => element("file").click();
element("camera").onclick = () => stream === null ? startCamera() : stopCamera();
element("opacity").oninput = ({ target }) => overlay.style.opacity = target.value / 100;
element("backend").onchange = ({ target }) => {
  location.search = `?backend=${target.value}`;
};
element("save").onclick = () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [overlay.width, overlay.height];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  context.globalAlpha = element("opacity").value / 100;
  context.drawImage(overlay, 0, 0);
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "overlay.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
};

addEventListener("dragover", (event) => {
  event.preventDefault();
  element("stage").classList.add("dragging");
});
addEventListener("dragleave", ({ relatedTarget }) => {
  if (relatedTarget === null) element("stage").classList.remove("dragging");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  element("stage").classList.remove("dragging");
  takeFile(event.dataTransfer.files[0]);
});
addEventListener("paste", ({ clipboardData }) => takeFile(clipboardData.files[0]));
