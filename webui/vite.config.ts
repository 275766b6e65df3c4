/** Two builds: the pages that the server serves, and the report that is one file. */

import { defineConfig } from "vite";

import { fixture } from "./test/fixture/plugin";
import { oneFile } from "./inline";

const STATIC = "../src/gregaria/web/static";

export default defineConfig(({ mode }) => ({
  // Relative, so that the page works below any base path.
  base: "./",
  publicDir: false as const,
  plugins: [fixture(), ...(mode === "report" ? [oneFile()] : [])],
  esbuild: { jsx: "automatic" as const, jsxImportSource: "preact", legalComments: "none" as const },
  build: {
    target: "es2021",
    outDir: STATIC,
    emptyOutDir: mode !== "report",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    rollupOptions: { input: mode === "report" ? ["report.html"] : ["index.html", "login.html"] },
  },
  test: { include: ["test/**/*.test.ts"] },
}));
