/** What bundles say of the bundled text encoder; the hash is that of what convert.ts makes of the original whose SHA-256 the NOTICE states. */
export const bundledTextEncoder = { id: "all-MiniLM-L6-v2 int8", sha256: "206a2b25d8e3e488791f509397a326f36d1266611cf8fb9b5990fd594bc36b19" };
