/** Making a character from a photo, and deleting one: what the server said, in words of the page. */

import { ApiError, errorDetail } from "../api/client";
import type { MadeAvatar } from "../api/types";

export interface Refusal {
  kind: "too_large" | "photo" | "busy" | "unreachable" | "failed";
  detail: string;
}

/** Why a character could not be made or deleted. */
export function refusalOf(error: unknown): Refusal {
  const detail = errorDetail(error);
  if (!(error instanceof ApiError)) return { kind: "failed", detail };
  switch (error.status) {
    case 0:
      return { kind: "unreachable", detail };
    case 400:
      return { kind: "photo", detail };
    case 413:
      return { kind: "too_large", detail };
    case 429:
    case 503:
      return { kind: "busy", detail };
    default:
      return { kind: "failed", detail };
  }
}

/** The server's hint where the face will not speak: none was found, or it does not look at the camera. */
export function stillFaceHint({ metadata }: MadeAvatar): string | null {
  const { animation, hint } = metadata;
  const mode = typeof animation === "object" && animation !== null && "mode" in animation ? animation.mode : null;
  return mode !== "face" && typeof hint === "string" ? hint : null;
}
