/** Which pixels are compared with which, on the device. No gradient. @module */
export { contrastRoles } from "../kernels/contrast_roles/mod.ts";
export type { RoleInputs, Roles } from "../kernels/contrast_roles/mod.ts";
