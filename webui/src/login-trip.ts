/** The way to the login page when a login has run out, and back to what was looked at. */

const KEY = "gregaria.left-for-login";
const KEPT = "gregaria.kept-over-login";

let toKeep: (() => object) | null = null;

/** Have what somebody is typing be kept for when they are back; returns what ends that. */
export function keepOverLogin(tell: () => object): () => void {
  toKeep = tell;
  return () => {
    if (toKeep === tell) toKeep = null;
  };
}

/** What was kept, once; null if nothing was. */
export function takeKept(): object | null {
  try {
    const text = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    return text ? (JSON.parse(text) as object) : null;
  } catch {
    return null;
  }
}

/** Whether something was kept and not taken yet. */
export function hasKept(): boolean {
  try {
    return sessionStorage.getItem(KEPT) !== null;
  } catch {
    return false;
  }
}

/** Go to the login page; whoever logs in on it comes back to here. */
export function goToLogin(): void {
  try {
    sessionStorage.setItem(KEY, location.href);
    if (toKeep) sessionStorage.setItem(KEPT, JSON.stringify(toKeep()));
  } catch {
    // Then it leads to the page as it opens.
  }
  location.assign("login");
}

/** Whether this tab was led to the login page, and has not come back yet. */
export function wasLedHere(): boolean {
  return leftAt() !== null;
}

/** Go back to where the login page was gone to from, once; returns whether that is another address than this one. */
export function goBack(): boolean {
  const address = leftAt();
  if (address === null) return false;
  sessionStorage.removeItem(KEY);
  if (address === location.href) return false;
  location.replace(address);
  return true;
}

function leftAt(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
