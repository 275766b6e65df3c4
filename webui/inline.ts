/** Puts scripts and styles into the HTML, so that the report is one file that opens from disk. */

import type { Plugin } from "vite";

export function oneFile(): Plugin {
  return {
    name: "gregaria-one-file",
    enforce: "post",
    generateBundle(_, bundle) {
      for (const page of Object.values(bundle)) {
        if (page.type !== "asset" || !page.fileName.endsWith(".html")) continue;
        let html = String(page.source);
        for (const part of Object.values(bundle)) {
          const name = part.fileName.replaceAll(".", "\\.");
          if (part.type === "chunk") {
            // At the end of the body: what it looks for is there by then, also without being a module.
            html = html.replace(new RegExp(`\\s*<script type="module"[^>]*${name}"[^>]*></script>`), "");
            const script = part.code.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
            html = html.replace("</body>", () => `<script type="module">${script}</script>\n  </body>`);
          } else if (part.fileName.endsWith(".css")) {
            const style = String(part.source);
            html = html.replace(new RegExp(`<link rel="stylesheet"[^>]*${name}"[^>]*>`), () => `<style>${style}</style>`);
          } else {
            continue;
          }
          // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- that is how a bundle loses a file
          delete bundle[part.fileName];
        }
        page.source = html;
      }
    },
  };
}
