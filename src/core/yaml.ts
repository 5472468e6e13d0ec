/** Reading and writing YAML 1.2. The only file that names the library. @module */

export {
  Document,
  isScalar,
  parseDocument,
  visit,
  type YAMLParseError,
} from "npm:yaml@2.9.1";
