// Numbers and instants as people read them.

export const FRESH_DAYS = 2; // data that are older are told as old

export const plural = (n, word) => `${n.toLocaleString()} ${word}${n === 1 ? "" : "s"}`;
export const day = (iso) => iso === null ? "unknown" : new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
export const price = (value) => value.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

// "3 days ago" of an age in days; null: nobody knows
export function ago(days) {
  if (days === null) return "unknown";
  const minutes = days * 1440;
  if (minutes < 2) return "just now";
  if (minutes < 120) return `${Math.floor(minutes)} minutes ago`;
  if (days < 2) return `${Math.floor(days * 24)} hours ago`;
  if (days < 60) return `${Math.floor(days)} days ago`;
  return days < 730 ? `${Math.floor(days / 30.44)} months ago` : `${Math.floor(days / 365.25)} years ago`;
}

// how old the data are, for the dot and the sentence beside it
export function age(status) {
  const days = status.newest_event_age_days;
  if (days === null) return { kind: "unknown", text: "age of the data unknown" };
  return { kind: days < FRESH_DAYS ? "on" : "old", text: `newest event ${ago(days)}` };
}

export const hue = (text) => ([...text].reduce((sum, char) => Math.imul(sum ^ char.codePointAt(0), 0x01000193), 0x811c9dc5) >>> 7) % 360;
export const initials = (text) => text.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word)).slice(0, 2).map((word) => [...word][0].toUpperCase()).join("") || "·";
