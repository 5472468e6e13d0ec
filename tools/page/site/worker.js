// Loads the network and labels pictures, away from the page, which stays responsive.
//
//   page → worker   { open: backend }, { label: Blob | ImageBitmap, name, scaleDown }
//   worker → page   { progress }, { ready }, { labels }, { error }

const NETWORK = "network.safetensors";

let library = null;
let network = null;
let wanted = "auto";

const send = (message, transfer = []) => postMessage(message, transfer);

onmessage = async ({ data }) => {
  try {
    if ("open" in data) await open(data.open);
    else await label(data);
  } catch (error) {
    send({ error: error.message, isTooLarge: error.isTooLarge ?? false });
  }
};

async function open(backend, reason = null) {
  wanted = backend;
  library ??= await importLibrary();
  const bytes = await download(NETWORK);
  send({ progress: { text: "Starting the network …", done: null } });
  network = await library.networkFrom(bytes, { name: NETWORK, backend });
  const { classes, iteration, role } = network;
  const { name, adapter, reason: chosen } = network.backend;
  send({
    ready: { classes, iteration, role, backend: name, adapter, reason: reason ?? chosen },
  });
}

async function importLibrary() {
  try {
    return await import("./fst.js");
  } catch (cause) {
    throw new Error(
      'Cannot load "fst.js": it is missing here or this browser is too old for it; ' +
        `upload the whole folder, or use a newer browser (${cause.message})`,
      { cause },
    );
  }
}

async function download(file) {
  const text = "Loading the network …";
  const answer = await fetch(new URL(file, location.href)).catch((cause) => {
    throw new Error(`Cannot load "${file}": the server does not answer; try again`, {
      cause,
    });
  });
  if (!answer.ok) {
    throw new Error(
      `Cannot load "${file}": the server answers ${answer.status}; upload the whole ` +
        "folder that demo-page has written",
    );
  }
  const total = Number(answer.headers.get("content-length"));
  const chunks = [];
  let received = 0;
  for (const reader = answer.body.getReader();;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    received += value.length;
    // A compressed answer is longer than its header says.
    const ratio = total > 0 && received <= total ? received / total : null;
    send({ progress: { text, done: ratio } });
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

async function label({ label: source, name, scaleDown }) {
  const picture = await library.pictureFrom(source, { name, scaleDown }).catch(
    (error) => {
      throw Object.assign(error, { isTooLarge: error instanceof RangeError });
    },
  );
  const { width, height, originalSize } = picture;
  const start = performance.now();
  const labels = await predict(picture);
  const milliseconds = performance.now() - start;
  send({ labels, width, height, originalSize, milliseconds }, [labels.buffer]);
}

// Where the choice was free, a GPU that fails is no reason to stop.
async function predict(picture) {
  try {
    return await network.predict(picture);
  } catch (error) {
    if (wanted !== "auto" || network.backend.name === "wasm") throw error;
    await open("wasm", `WebGPU failed: ${error.message}`);
    return await network.predict(picture);
  }
}
