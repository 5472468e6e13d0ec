/** Protocol buffers by their definitions. The only file that names the library. @module */

export { default as protobuf } from "npm:protobufjs@8.8.1";
