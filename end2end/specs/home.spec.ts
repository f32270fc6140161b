import { alive, expect, Rollcall, test } from "../support/rollcall";

const row = (name: string) => `tr:has(.name:text-is("${name}"))`;

test("a run streams in, survives a reload and a second tab, and ends in its counts", async ({ demo, page, context }) => {
  await page.goto(demo.url);
  await alive(page);
  await expect(page.locator("tbody tr")).toHaveCount(24);
  await page.getByRole("button", { name: "全部检查" }).click();
  await expect(page.locator("progress").first()).toBeVisible();
  await expect(page.locator(row("山间笔记"))).toContainText("刚刚");

  const second = await context.newPage();
  await second.goto(demo.url);
  await expect(second.locator("progress").first()).toBeVisible();
  await page.reload();
  await expect(page.locator("progress").first()).toBeVisible();

  for (const tab of [page, second]) {
    await expect(tab.getByRole("heading", { name: "检查完成" })).toBeVisible();
    await expect(tab.locator(".run")).toContainText("已检查 23 · 隐藏 6 · 恢复 1 · 无法核对 3 · 白名单 1");
    await expect(tab.locator(row("茶馆 404"))).toContainText("网页请求返回404");
    await expect(tab.locator(row("忘了你"))).toContainText("网站未设置本站外链");
    await expect(tab.locator(row("回来了"))).toContainText("显示中");
    await expect(tab.locator(row("城墙之内"))).toContainText("人机验证");
  }
});

test("one link is checked again in place, in every tab", async ({ demo, page, context }) => {
  await page.goto(demo.url);
  const other = await context.newPage();
  await other.goto(demo.url);
  await alive(page);
  await alive(other);
  await page.locator(row("茶馆 404")).getByRole("button").click();
  for (const tab of [page, other]) {
    await expect(tab.locator(row("茶馆 404"))).toContainText("网页请求返回404");
    await expect(tab.locator(row("茶馆 404"))).toContainText("已隐藏");
  }
});

test("a run can be cancelled: what was finished stays", async ({ demo, page }) => {
  await page.goto(demo.url);
  await alive(page);
  await page.getByRole("button", { name: "全部检查" }).click();
  await expect(page.locator(row("茶馆 404"))).toContainText("将隐藏");
  await page.getByRole("button", { name: "取消" }).click();
  await expect(page.getByRole("heading", { name: "检查已取消" })).toBeVisible();
  await expect(page.locator(row("茶馆 404"))).toContainText("已隐藏");
});

test("a lost server is told, found again and followed from there", async ({ workspace, page, faults }) => {
  workspace.run("link", "add", "http://127.0.0.1:9000/", "--name", "nobody");
  const first = await Rollcall.start(["serve"], workspace.env);
  await page.goto(first.url);
  await alive(page);
  await first.stop("SIGKILL");
  await expect(page.locator(".offline")).toContainText("正在重连");
  const second = await Rollcall.start(["serve"], workspace.env, new URL(first.url).port);
  await expect(page.locator(".offline")).toBeEmpty();
  // A run of another process shows up as well.
  workspace.run("check");
  await expect(page.locator(row("nobody"))).toContainText("连接被拒绝");
  await second.stop();
  // The broken stream is what this test is about.
  faults.length = 0;
});

test("the pages speak English where the browser does", async ({ demo, browser }) => {
  const context = await browser.newContext({ locale: "en-GB" });
  const page = await context.newPage();
  await page.goto(demo.url);
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  await expect(page.getByRole("button", { name: "Check all" })).toBeVisible();
  await context.close();
});

test("an empty roll says what to do next", async ({ workspace, page }) => {
  const server = await Rollcall.start(["serve"], workspace.env);
  await page.goto(server.url);
  await alive(page);
  await expect(page.getByText("rollcall import link.yml")).toBeVisible();
  await expect(page.getByRole("button", { name: "全部检查" })).toBeDisabled();
  await server.stop();
});

test("an unknown page has a way home", async ({ demo, page, faults }) => {
  const answer = await page.goto(`${demo.url}/nowhere`);
  expect(answer?.status()).toBe(404);
  await page.getByRole("link", { name: "回到首页" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(24);
  // The 404 was asked for.
  expect(faults.filter((fault) => !fault.includes("404"))).toEqual([]);
  faults.length = 0;
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the forms do the same", async ({ demo, page }) => {
    await page.goto(demo.url);
    await expect(page.locator("tbody tr")).toHaveCount(24);
    await page.locator(row("茶馆 404")).getByRole("button").click();
    await expect(async () => {
      await page.goto(demo.url);
      await expect(page.locator(row("茶馆 404"))).toContainText("已隐藏", { timeout: 500 });
    }).toPass();
    await page.getByRole("button", { name: "全部检查" }).click();
    await expect(page.locator("progress").first()).toBeVisible();
    await expect(async () => {
      await page.goto(demo.url);
      await expect(page.getByRole("heading", { name: "检查完成" })).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 20_000 });
    await expect(page.locator(row("忘了你"))).toContainText("网站未设置本站外链");
  });
});
