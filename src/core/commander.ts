/** Command-line parsing. The only file that names commander. @module */

export {
  Argument,
  Command,
  CommanderError,
  InvalidArgumentError,
  Option,
} from "npm:commander@15.1.0";
