/**
 * The files of the page, as they are served: text in the modules of this program, so that
 * they are there wherever it was loaded from. The only file that names uPlot.
 *
 * @module
 */
import uPlotScript from "npm:uplot@1.6.32/dist/uPlot.esm.js" with { type: "text" };
import uPlotStyle from "npm:uplot@1.6.32/dist/uPlot.min.css" with { type: "text" };
import charts from "./page/charts.js" with { type: "text" };
import curves from "./page/curves.js" with { type: "text" };
import html from "./page/index.html" with { type: "text" };
import main from "./page/main.js" with { type: "text" };
import runs from "./page/runs.js" with { type: "text" };
import style from "./page/style.css" with { type: "text" };
import tables from "./page/tables.js" with { type: "text" };

/** A file with its type. */
export interface PageFile {
  readonly type: string;
  readonly text: string;
}

const script = (text: string): PageFile => ({ type: "text/javascript", text });
const css = (text: string): PageFile => ({ type: "text/css", text });

/** By the paths of their addresses; there are no others. */
export const PAGE_FILES: ReadonlyMap<string, PageFile> = new Map([
  ["/", { type: "text/html", text: html }],
  ["/charts.js", script(charts)],
  ["/curves.js", script(curves)],
  ["/main.js", script(main)],
  ["/runs.js", script(runs)],
  ["/tables.js", script(tables)],
  ["/style.css", css(style)],
  ["/uplot.js", script(uPlotScript)],
  ["/uplot.css", css(uPlotStyle)],
]);
