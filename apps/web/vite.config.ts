import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

const server = loadEnv("", ".", "OPENTALKING_DEV")["OPENTALKING_DEV_SERVER"] ?? "http://127.0.0.1:8000";
const apiRoots = ["/auth", "/health", "/models", "/avatars", "/sessions", "/tts", "/voices", "/queue"];

export default defineConfig({
  // Relative addresses, so that the page also works behind a gateway that adds a path prefix.
  base: "./",
  plugins: [react()],
  build: {
    outDir: "dist",
    // The server hands out index.html and /assets/* only.
    assetsDir: "assets",
    target: ["chrome110", "firefox115", "safari16.4"],
  },
  server: { proxy: Object.fromEntries(apiRoots.map((root) => [root, server])) },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
