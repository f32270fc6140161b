import { alive, expect, row, secondTab, serverLost, signIn, test } from "../support/rollcall";

const bar = ".runbar .now";

test("a run streams in, survives a reload and a second tab, and ends in its counts", async ({ demo, page, context }) => {
  await page.goto(`${demo.url}/links`);
  await alive(page);
  await expect(page.locator("tbody tr")).toHaveCount(24);
  await page.getByRole("button", { name: "全部检查" }).click();
  await expect(page.locator(bar)).toBeVisible();
  await expect(page.locator(row("山间笔记")).locator(".when")).toContainText("刚刚");

  const second = await secondTab(context, demo.url);
  await expect(second.locator(bar)).toBeVisible();
  await page.reload();
  await alive(page);
  await expect(page.locator(bar)).toBeVisible();

  // The one that never answers takes its time limit twice.
  for (const tab of [page, second]) await expect(tab.locator(bar)).toBeHidden({ timeout: 20_000 });
  await expect(second.locator(".card.run")).toContainText("已检查 23 · 隐藏 9 · 恢复 1 · 无法核对 5 · 白名单 1");
  await expect(second.locator(".changes")).toContainText("忘了你");
  await expect(page.locator(row("茶馆 404"))).toContainText("网页请求返回404");
  await expect(page.locator(row("忘了你"))).toContainText("网站未设置本站外链");
  await expect(page.locator(row("回来了"))).toContainText("显示中");
  await expect(page.locator(row("城墙之内"))).toContainText("人机验证");
});

test("one link is checked again in place, in every tab", async ({ demo, page, context }) => {
  await page.goto(`${demo.url}/links`);
  await alive(page);
  const other = await secondTab(context, `${demo.url}/links`);
  await page.locator(row("茶馆 404")).getByRole("button", { name: "重新检查" }).click();
  for (const tab of [page, other]) {
    await expect(tab.locator(row("茶馆 404"))).toContainText("网页请求返回404");
    await expect(tab.locator(row("茶馆 404"))).toContainText("已隐藏");
  }
  expect(page.url()).toBe(`${demo.url}/links`);
});

test("a run can be cancelled: what was finished stays", async ({ demo, page }) => {
  await page.goto(`${demo.url}/links`);
  await alive(page);
  await page.getByRole("button", { name: "全部检查" }).click();
  await expect(page.locator(row("茶馆 404"))).toContainText("将隐藏");
  await page.locator(bar).getByRole("button", { name: "取消" }).click();
  await expect(page.locator(bar)).toBeHidden();
  await expect(page.locator(row("茶馆 404"))).toContainText("已隐藏");
  await page.goto(`${demo.url}/runs`);
  await expect(page.locator("tbody tr").first()).toContainText("检查已取消");
});

test("a lost server is told, found again and followed from there", async ({ workspace, start, page, excused, server }) => {
  excused.push(serverLost);
  workspace.run("link", "add", "http://127.0.0.1:9000/", "--name", "nobody");
  await signIn(page, server.url);
  await page.goto(`${server.url}/links`);
  await alive(page);
  await server.stop("SIGKILL");
  await expect(page.locator(".offline")).toContainText("正在重连");
  await start(["serve"], workspace.env, new URL(server.url).port);
  await expect(page.locator(".offline")).toBeEmpty();
  // A run of another process shows up as well.
  workspace.run("check");
  await expect(page.locator(row("nobody"))).toContainText("连接被拒绝");
});

test("a server restarted in the middle of a run goes on with it, in the page as well", async ({ workspace, start, page, excused, server }) => {
  excused.push(serverLost);
  // Addresses that never answer (192.0.2.0/24 is for documentation) keep a run going for its time limit.
  workspace.run("setting", "set", "timeout", "6");
  workspace.run("setting", "set", "connect_timeout", "6");
  workspace.run("setting", "set", "retries", "0");
  workspace.run("setting", "set", "guard_min", "0");
  const { createServer } = await import("node:http");
  const site = createServer((request, answer) => {
    if (request.url !== "/silent") answer.writeHead(request.url === "/well" ? 200 : 404).end();
  }).listen(0, "127.0.0.1");
  await new Promise((ready) => site.once("listening", ready));
  const { port } = site.address() as { port: number };
  for (const name of ["well", "gone", "silent"]) workspace.run("link", "add", `http://127.0.0.1:${port}/${name}`, "--name", name);
  await signIn(page, server.url);
  await page.goto(`${server.url}/links`);
  await alive(page);
  await page.getByRole("button", { name: "全部检查" }).click();
  await expect(page.locator(row("gone"))).toContainText("将隐藏");
  await server.stop("SIGKILL");
  await start(["serve"], workspace.env, new URL(server.url).port);
  await expect(page.locator(bar)).toBeVisible();
  await expect(page.locator(row("silent"))).toContainText("已隐藏", { timeout: 30_000 });
  await expect(page.locator(row("gone"))).toContainText("已隐藏");
  await page.goto(`${server.url}/runs`);
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await expect(page.locator("tbody tr").first()).toContainText("检查完成");
  site.closeAllConnections();
  site.close();
});
