/** Tables of text. The only file that names cli-table3. @module */

import CliTable from "npm:cli-table3@0.6.5";

export { CliTable };
