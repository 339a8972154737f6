import { ApiError } from "../client";

export { ApiError } from "../client";

/** The words of any thrown value, for the unfolded detail of a notice. */
export function errorDetail(error: unknown): string {
  if (error instanceof ApiError) return error.status ? `HTTP ${error.status}: ${error.detail}` : error.detail;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
