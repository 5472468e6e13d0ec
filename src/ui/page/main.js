/** The page: draws anew what has changed, at most a few times a second. @module */
import { colorAt, drawCharts, onDarkMode } from "./charts.js";
import { follow, runs, shownRuns } from "./runs.js";
import {
  element,
  fillClasses,
  fillDifferences,
  fillLegend,
  fillRuns,
  swatch,
} from "./tables.js";

/** Milliseconds before a drawing, at least. */
const SHORTEST_PAUSE = 250;

/** A pause is at least so many times as long as the drawing before: runs need the CPU. */
const PAUSE_PER_DRAWING = 9;

/** Milliseconds after which times in the table are brought up to date. */
const CLOCK = 5000;

const byId = (id) => document.getElementById(id);
const place = (run) => [...runs.values()].indexOf(run);
const slider = byId("iteration");
const smoothing = byId("smoothing");
const logarithmic = byId("logarithmic");

let isDue = false;
let pause = SHORTEST_PAUSE;

function drawSoon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    const start = performance.now();
    draw();
    pause = Math.max(SHORTEST_PAUSE, PAUSE_PER_DRAWING * (performance.now() - start));
  }, pause);
}

function draw() {
  const shown = shownRuns();
  drawRuns();
  drawCharts(byId("charts"), shown, place, {
    smoothing: Number(smoothing.value),
    isLogarithmic: logarithmic.checked,
  });
  drawPanels(shown);
  byId("classes").hidden = !fillClasses(byId("iou"), shown);
  drawSettings(shown);
}

function drawRuns() {
  const all = [...runs.values()];
  fillRuns(byId("runs"), all, place, (run, isShown) => {
    run.isShown = isShown;
    draw();
  });
  const problems = all.flatMap(({ problem }) => problem ?? []);
  byId("problems").replaceChildren(...problems.map((text) => element("li", {}, text)));
  const [first] = all;
  document.title = all.length === 1
    ? `${first.log.at(-1)?.iteration ?? 0} · ${first.name} · fst`
    : `${all.length} runs · fst`;
}

/** Iterations of which a shown run has a panel; the slider goes from one to the next. */
let iterations = [];

function drawPanels(shown) {
  const before = iterations;
  const selected = before[Number(slider.value)];
  const isNewest = Number(slider.value) === before.length - 1;
  iterations = [
    ...new Set(
      shown.flatMap(({ pictures }) => pictures.map(({ iteration }) => iteration)),
    ),
  ].sort((a, b) => a - b);
  byId("panels").hidden = iterations.length === 0;
  if (iterations.length === 0) return;
  slider.max = iterations.length - 1;
  // Whoever looks at the newest panel sees the next one, too.
  const index = iterations.findIndex((iteration) => iteration >= selected);
  slider.value = isNewest || index < 0 ? iterations.length - 1 : index;
  if (before.join() !== iterations.join()) {
    byId("iterations").replaceChildren(
      ...iterations.map((_, value) => element("option", { value })),
    );
  }
  showPanels(shown);
  fillLegend(byId("legend"), shown);
}

/** Pictures that were loaded once are there for the slider when the server has gone. */
const images = new Map();

/** So many of a run's newest panels are loaded before they are asked for. */
const LOADED_AHEAD = 40;

function imageOf(run, { iteration, version }) {
  const address = `/runs/${run.id}/pictures/${iteration}.png?${version}`;
  const key = `${run.path} ${address}`;
  const image = images.get(key) ?? element("img", { src: address });
  image.alt = `Panel of ${run.name}, iteration ${iteration}`;
  // One that did not arrive is asked for again.
  if (image.complete && image.naturalWidth === 0) image.src = address;
  images.set(key, image);
  return image;
}

function showPanels(shown) {
  const iteration = iterations[Number(slider.value)];
  slider.nextElementSibling.textContent = iteration;
  slider.setAttribute("aria-valuetext", `iteration ${iteration}`);
  const figures = shown.flatMap((run) => {
    run.pictures.slice(-LOADED_AHEAD).forEach((picture) => imageOf(run, picture));
    const picture = run.pictures.findLast((one) => one.iteration <= iteration);
    if (picture === undefined) return [];
    const caption = element(
      "figcaption",
      { hidden: shown.length === 1 },
      swatch(colorAt(place(run))),
      `${run.name}, iteration ${picture.iteration}`,
    );
    return [[caption, imageOf(run, picture)]];
  });
  const home = byId("pictures");
  // The same pictures stay where they are: nothing flickers.
  const present = [...home.querySelectorAll("img")];
  const isSame = present.length === figures.length &&
    figures.every(([, image], i) => image === present[i]);
  if (!isSame) {
    home.replaceChildren(...figures.map((parts) => element("figure", {}, ...parts)));
  }
}

/** What is shown of configurations. */
let configs = "";

function drawSettings(shown) {
  const known = shown.filter(({ config }) => config !== "");
  byId("settings").hidden = known.length === 0;
  const key = JSON.stringify(known.map(({ name, config }) => [name, config]));
  if (key === configs) return; // whoever reads in it is not disturbed
  configs = key;
  byId("differences").hidden = known.length < 2 ||
    !fillDifferences(byId("differences"), known);
  byId("configs").replaceChildren(...known.map(({ name, config }) =>
    element(
      "details",
      {},
      element("summary", {}, `config.yaml of ${name}`),
      element("pre", {}, config),
    )
  ));
}

/** What to say of the connection. */
function connectionText(state) {
  if (state === "open") return "Live";
  const all = [...runs.values()];
  const path = all.map((run) => run.path).join(" ");
  return all.length > 0 && all.every(({ status }) => status === "finished")
    ? `The run is finished and this page is a memory of it: deno task ui ${path}`
    : `Not connected: the program of this page has ended. Resume the run with --ui, or: ` +
      `deno task ui ${path || "RUN"}`;
}

follow(drawSoon, (state) => {
  const line = byId("connection");
  line.dataset.state = state;
  line.textContent = connectionText(state);
  drawSoon();
});
slider.addEventListener("input", () => showPanels(shownRuns()));
smoothing.addEventListener("input", () => {
  smoothing.nextElementSibling.textContent = Number(smoothing.value).toFixed(2);
  drawSoon();
});
logarithmic.addEventListener("change", draw);
onDarkMode(draw);
setInterval(drawRuns, CLOCK);
// Left and right move through the panels from wherever one is.
addEventListener("keydown", ({ key, target, ctrlKey, altKey, metaKey }) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (step === undefined || ctrlKey || altKey || metaKey || target !== document.body) {
    return;
  }
  slider.value = Number(slider.value) + step;
  showPanels(shownRuns());
});
