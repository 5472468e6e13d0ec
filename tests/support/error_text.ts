/** What an error says. @module */

/** The error's kind and sentence, with a temporary folder as ROOT. */
export async function complaint(
  root: string,
  promise: Promise<unknown>,
): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return String(error).replaceAll(root, "ROOT").replaceAll("\\", "/");
  }
  return "no error";
}
