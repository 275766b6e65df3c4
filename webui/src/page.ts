/** What the server, or the writer of a report, has put into the page itself. */

/** The object in the element with this id; null when there is none, as in a page that nobody has filled. */
export function dataIn(id: string): object | null {
  const text = document.getElementById(id)?.textContent.trim();
  return text ? (JSON.parse(text) as object | null) : null;
}
