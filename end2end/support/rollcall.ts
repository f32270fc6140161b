import { expect, test as base, type Page } from "@playwright/test";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const binary = resolve(process.env.ROLLCALL_BIN ?? "../target/debug/rollcall");

/** A running program and where it is reached. */
export class Rollcall {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** Starts a command that serves, on a free port unless one is named, and waits until it says where. */
  static async start(args: string[], env: Record<string, string> = {}, port = "0"): Promise<Rollcall> {
    const child = spawn(binary, [...args, "--addr", `127.0.0.1:${port}`], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const lines = createInterface({ input: child.stderr! });
    const url = await new Promise<string>((found, failed) => {
      lines.on("line", (line) => {
        const at = line.match(/http:\/\/127\.0\.0\.1:\d+/);
        if (at) found(at[0]);
      });
      child.once("exit", (code) => failed(new Error(`rollcall ended with ${code}`)));
    });
    return new Rollcall(url, child);
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((done) => this.child.once("exit", done));
    this.child.kill(signal);
    await ended;
  }
}

/** A database of its own, and the command line on it. */
export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), "rollcall-e2e-"));
  readonly env = {
    ROLLCALL_DATABASE: `sqlite:${join(this.folder, "rollcall.db")}`,
    ROLLCALL_ALLOW_NET: "127.0.0.0/8",
  };

  run(...args: string[]): string {
    return execFileSync(binary, args, { env: { ...process.env, ...this.env }, encoding: "utf8" });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Fails a test on any console error, hydration warning, page error or failed request. */
function watch(page: Page, faults: string[], scripts: boolean): void {
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`page: ${error.message}`));
  page.on("requestfailed", (request) => {
    // A stream ends with the page that reads it; and without JavaScript, Chromium fails every script.
    const expected = request.url().endsWith("/api/fn/watch") || (!scripts && request.url().endsWith(".js"));
    if (!expected) faults.push(`request: ${request.url()} ${request.failure()?.errorText}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`response: ${response.status()} ${response.url()}`);
  });
}

export const test = base.extend<{ faults: string[]; demo: Rollcall; workspace: Workspace }>({
  faults: async ({}, use) => {
    const faults: string[] = [];
    await use(faults);
    expect(faults).toEqual([]);
  },
  context: async ({ context, faults, javaScriptEnabled }, use) => {
    context.on("page", (page) => watch(page, faults, javaScriptEnabled !== false));
    await use(context);
  },
  demo: async ({}, use) => {
    const demo = await Rollcall.start(["demo"]);
    await use(demo);
    await demo.stop();
  },
  workspace: async ({}, use) => {
    const workspace = new Workspace();
    await use(workspace);
    workspace.remove();
  },
});

export { expect };

/** Waits until the browser part has taken the page over. */
export async function alive(page: Page): Promise<void> {
  await page.waitForFunction(() => document.documentElement.dataset.alive === "yes");
}
