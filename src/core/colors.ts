/** Terminal colours. The only file that names picocolors. @module */

import picocolors from "npm:picocolors@1.1.1";

/**
 * Functions that colour text, or return it as it is.
 *
 * @param enabled Whether the text goes to a terminal that shows colours.
 */
export const createColors = picocolors.createColors;
