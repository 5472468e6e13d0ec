/** The thread that serves the page of a run which the main thread is busy with. @module */
import { type Dashboard, type DashboardOptions, serveDashboard } from "./server.ts";

/** A message to the thread. */
export type DashboardRequest =
  | { readonly kind: "open"; readonly options: DashboardOptions }
  | { readonly kind: "close" };

/** A message from it. */
export type DashboardReply =
  | { readonly kind: "opened"; readonly url: string }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "closed" };

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<DashboardRequest>) => void) | null;
  postMessage(reply: DashboardReply): void;
}

const scope = self as unknown as WorkerScope;
let dashboard: Dashboard | null = null;

scope.onmessage = async ({ data }) => {
  try {
    if (data.kind === "open") {
      dashboard = serveDashboard(data.options);
      return scope.postMessage({ kind: "opened", url: dashboard.url });
    }
    await dashboard?.close();
    scope.postMessage({ kind: "closed" });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ kind: "failed", message });
  }
};
