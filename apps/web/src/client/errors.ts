/** A call that did not succeed. `status` is 0 when no answer came at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail);
    this.name = "ApiError";
  }
}

/** An audio stream that the server closed before its end. */
export class StreamClosed extends Error {
  constructor(
    readonly closeCode: number,
    readonly code: string,
    readonly detail: string,
  ) {
    super(`${closeCode} ${detail}`);
    this.name = "StreamClosed";
  }
}

/** The words of a thrown value. */
export function words(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The error of an answer that is not a success. */
export async function failure(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError(response.status, detailOf(text) || response.statusText, Number.isFinite(retryAfter) ? retryAfter : null);
}

function detailOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "detail" in body && typeof body.detail === "string") return body.detail;
  } catch {
    // A proxy may answer with HTML: its beginning is all there is to show.
  }
  return text.slice(0, 300);
}
