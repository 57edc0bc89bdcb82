import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["**/*.mjs", "**/*.cjs", "**/*.js", "**/*_pb.ts", "**/generated/**"] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: `${import.meta.dirname}/..` } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/only-throw-error": "error",
      // `async` states that a function answers later, also where today's body need not wait.
      "@typescript-eslint/require-await": "off",
      // Numbers and booleans in messages are meant, and a graph's value says what it is.
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true, allowNullish: true, allow: [{ from: "file", name: "Value" }, { from: "lib", name: ["Error", "URL", "URLSearchParams"] }] },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", reportUsedIgnorePattern: false }],
    },
  },
);
