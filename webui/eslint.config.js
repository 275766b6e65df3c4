import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", "eslint.config.js"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: "error",
      "max-len": ["error", { code: 120, ignoreTemplateLiterals: true }],
      "no-restricted-globals": ["error", { name: "fetch", message: "Only api.ts talks to the server." }],
      // numbers and booleans in templates are what a page is made of
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // handlers are short: onClick={() => void start()} and onInput={() => (x.value = 1)} read well
      "@typescript-eslint/no-confusing-void-expression": "off",
    },
  },
  { files: ["src/api.ts"], rules: { "no-restricted-globals": "off" } },
);
