/** What this browser remembers of a person's choices. */

const PREFIX = "opentalking.";

/** The kept value, or null; also null where the browser forbids storage. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** What `keepForTab` kept, or null. */
export function recallForTab(name: string): string | null {
  try {
    return sessionStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Keeps a value until this tab is closed, where the browser lets us; null forgets it. */
export function keepForTab(name: string, value: string | null): void {
  try {
    if (value === null) sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, value);
  } catch {
    // Without storage it holds until the page is left.
  }
}

/** Keeps a value for the next visit, where the browser lets us. */
export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Without storage the choice holds for this visit only.
  }
}
