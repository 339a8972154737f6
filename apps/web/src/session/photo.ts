/** What can be told of a photo before it is sent, so that nobody waits for a refusal. */

export type PhotoProblem = "heic" | "too_large" | "no_picture";

/** Types that the server reads; where a phone keeps HEIC, it converts for a field that asks for these. */
export const PHOTO_TYPES = "image/jpeg,image/png,image/webp";
const MOST_BYTES = 10 * 2 ** 20;
const HEAD_BYTES = 12;
const HEIF_BRANDS = new Set(["heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1", "avif", "avis"]);

/** Why the server would refuse this file, by its first bytes and its size; null if nothing speaks against it. */
export async function photoProblem(file: Blob): Promise<PhotoProblem | null> {
  const bytes = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const head = String.fromCharCode(...bytes);
  if (head.slice(4, 8) === "ftyp" && HEIF_BRANDS.has(head.slice(8, 12))) return "heic";
  const known = head.startsWith("\x89PNG") || head.startsWith("\xff\xd8\xff") || (head.startsWith("RIFF") && head.slice(8, 12) === "WEBP");
  if (!known) return "no_picture";
  return file.size > MOST_BYTES ? "too_large" : null;
}
