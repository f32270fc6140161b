import { defineConfig } from "@playwright/test";
import { launch } from "./support/chromium";

export default defineConfig({
  testDir: "./specs",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  fullyParallel: false,
  workers: 1,
  retries: 0,
  reporter: [["list"]],
  use: { launchOptions: launch, locale: "zh-CN", trace: "off" },
});
