/** Scans whose results are kept, for tests. @module */

import { scanEach, type ScanOptions } from "../../src/data/scan.ts";
import type { ScanJob, ScanResults } from "../../src/data/scan_job.ts";

/** The results of all images, in order. */
export async function scanAll<Job extends ScanJob>(
  job: Job,
  count: number,
  options: ScanOptions,
): Promise<ScanResults[Job["kind"]][]> {
  const results = new Array<ScanResults[Job["kind"]]>(count);
  await scanEach(job, count, (result, index) => results[index] = result, options);
  return results;
}
