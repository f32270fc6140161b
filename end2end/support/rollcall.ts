import { expect, test as base, type BrowserContext, type Locator, type Page, type Response } from "@playwright/test";
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const binary = resolve(process.env.ROLLCALL_BIN ?? "../target/debug/rollcall");

/** The account of the specs. */
export const admin = { name: "owner", password: "a long enough password" };

/** A running program, where it is reached, and what it said on standard error. */
export class Rollcall {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    readonly said: string[],
  ) {}

  /** Starts a command that serves, on a free port unless one is named, and waits until it says where. */
  static async start(args: string[], env: Record<string, string> = {}, port = "0"): Promise<Rollcall> {
    const child = spawn(binary, [...args, "--addr", `127.0.0.1:${port}`], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const lines = createInterface({ input: child.stderr! });
    let running: Rollcall | undefined;
    const said: string[] = [];
    return new Promise<Rollcall>((found, failed) => {
      lines.on("line", (line) => {
        const at = line.match(/ is at (http:\/\/127\.0\.0\.1:\d+)/);
        if (at && !running) {
          running = new Rollcall(at[1], child, said);
          found(running);
        }
        said.push(line);
      });
      child.once("close", (code) => failed(new Error(`rollcall ended with ${code}: ${said.join("\n")}`)));
    });
  }

  /** The address that makes the first account, as it was printed. */
  async setupUrl(): Promise<string> {
    await expect.poll(() => this.said.join("\n")).toContain("/setup?token=");
    return this.said.join("\n").match(/http\S+\/setup\?token=\w+/)![0];
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
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
    return this.feed("", ...args);
  }

  /** Runs a command that asks servers of this very process, which `run` would hold up. */
  async runBeside(...args: string[]): Promise<void> {
    await promisify(execFile)(binary, args, { env: { ...process.env, ...this.env } });
  }

  /** Runs a command with something on its standard input. */
  feed(input: string, ...args: string[]): string {
    return execFileSync(binary, args, { env: { ...process.env, ...this.env }, encoding: "utf8", input, stdio: "pipe" });
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
    // A visit overtaken by a newer one, or by a full page load, is given up.
    const overtaken = request.failure()?.errorText === "net::ERR_ABORTED";
    if (!expected && !overtaken) faults.push(`request: ${request.url()} ${request.failure()?.errorText}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`response: ${response.status()} ${response.url()}`);
  });
}

/** What a page says when its server is gone, whichever request meets that first. */
export const serverLost = /net::ERR_|TypeError: network error|Failed to fetch/;

type Fixtures = {
  excused: RegExp[];
  faults: string[];
  workspace: Workspace;
  start: typeof Rollcall.start;
  demo: Rollcall;
  server: Rollcall;
};

export const test = base.extend<Fixtures>({
  /** What a test is about, and so no fault in it; asked at its very end, since such news come late. */
  excused: async ({}, use) => use([]),
  faults: async ({ excused }, use) => {
    const faults: string[] = [];
    await use(faults);
    expect(faults.filter((fault) => !excused.some((expected) => expected.test(fault)))).toEqual([]);
  },
  workspace: async ({}, use) => {
    const workspace = new Workspace();
    await use(workspace);
    workspace.remove();
  },
  /** Starts a program that is stopped once every page is closed: a page that is still open would miss it. */
  start: async ({ workspace: _ }, use) => {
    const running: Rollcall[] = [];
    await use(async (...how) => {
      const program = await Rollcall.start(...how);
      running.push(program);
      return program;
    });
    for (const program of running) await program.stop();
  },
  context: async ({ start: _, context, faults, javaScriptEnabled }, use) => {
    context.on("page", (page) => watch(page, faults, javaScriptEnabled !== false));
    await use(context);
  },
  demo: async ({ start }, use) => use(await start(["demo"])),
  /** `serve` on a workspace that has an account. */
  server: async ({ workspace, start }, use) => {
    workspace.feed(admin.password, "user", "add", admin.name);
    await use(await start(["serve"], workspace.env));
  },
});

export { expect };

/** Waits until the browser part has taken the page over. */
export async function alive(page: Page): Promise<void> {
  await page.waitForFunction(() => document.documentElement.dataset.alive === "yes");
}

/** Clicks on what sends a form, and waits for its answer: who leaves the page before takes it back. */
export async function send(page: Page, button: Locator): Promise<void> {
  // The stream of live news is a POST as well.
  const sent = (response: Response) => response.request().method() === "POST" && !response.url().endsWith("/api/fn/watch");
  const answered = page.waitForResponse(sent);
  await button.click();
  await answered;
}

/** Signs in through the page. */
export async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/login`);
  await page.locator("input[name=name]").fill(admin.name);
  await page.locator("input[name=password]").fill(admin.password);
  await page.locator("main button.primary").click();
  await page.waitForURL(`${url}/`);
}

export async function secondTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await alive(page);
  return page;
}

/** A link's row in a table. */
export const row = (name: string) => `tr:has(.name:text-is("${name}"))`;
