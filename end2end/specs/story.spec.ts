import { admin, alive, expect, row, secondTab, test } from "../support/rollcall";

/** Set up, import, check all live in two tabs, whitelist, re-check, filter, undo, hold and apply. */
test("the whole story, from the first visit on", async ({ workspace, start, page, context }) => {
  test.slow();
  const { createServer } = await import("node:http");
  // Friends on loopback: one links back, ten do not.
  const friend = createServer((request, response) => {
    const links = request.url === "/good" ? '<a href="https://me.example.com/">me</a>' : "<p>nothing here</p>";
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>friend</title><body>${links}</body>`);
  }).listen(0, "127.0.0.1");
  await new Promise((ready) => friend.once("listening", ready));
  const { port } = friend.address() as { port: number };
  const at = (path: string) => `http://127.0.0.1:${port}/${path}`;

  const server = await start(["serve"], workspace.env);
  // Whoever has no token gets nowhere.
  await page.goto(server.url);
  await expect(page).toHaveURL(/\/setup/);
  await page.goto(await server.setupUrl());
  await page.locator("input[name=name]").fill(admin.name);
  await page.locator("input[name=password]").fill(admin.password);
  await page.locator("input[name=again]").fill("something else");
  await page.getByRole("button", { name: "创建并登录" }).click();
  await expect(page.getByRole("alert")).toContainText("两次输入的密码不同");
  await expect(page.locator("input[name=name]")).toHaveValue(admin.name);
  await page.locator("input[name=password]").fill(admin.password);
  await page.locator("input[name=again]").fill(admin.password);
  await page.getByRole("button", { name: "创建并登录" }).click();
  await expect(page.getByRole("heading", { name: "还没有友链" })).toBeVisible();
  await alive(page);

  // My own address.
  await page.goto(`${server.url}/settings`);
  await page.locator("#my_sites").fill("https://me.example.com");
  await page.locator(".settings button.primary").click();
  await expect(page.locator(".toast")).toContainText("已保存");

  // A list, pasted: one fine row, ten without the backlink, a bad one.
  const bad = Array.from({ length: 10 }, (_, n) => `missing ${n},${at(`bad${n}`)}`);
  await page.goto(`${server.url}/import`);
  await alive(page);
  await page.locator("textarea[name=text]").fill([`good,${at("good")}`, ...bad, "odd,ftp://nowhere"].join("\n"));
  await page.getByRole("button", { name: "预览" }).click();
  await expect(page.locator(".totals")).toContainText("11 新增");
  await expect(page.locator("main")).toContainText("ftp://nowhere");
  await page.getByRole("button", { name: "确认导入" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(11);

  // All of them in two tabs: so many at once are held.
  const second = await secondTab(context, server.url);
  await page.getByRole("button", { name: "全部检查" }).click();
  await expect(second.locator(".card.run")).toContainText("待确认");
  await expect(page.locator(row("missing 0"))).toContainText("将隐藏");
  await second.getByRole("button", { name: "执行" }).click();
  await expect(second.locator(".toast")).toContainText("已执行");
  await page.goto(`${server.url}/links?status=hidden`);
  await expect(page.locator("tbody tr")).toHaveCount(10);

  // One goes on the whitelist, and is shown at once.
  await alive(page);
  await page.goto(`${server.url}/links`);
  await alive(page);
  const first = page.locator(row("missing 0"));
  await first.getByRole("switch").click();
  await expect(page.locator(".toast")).toContainText("已加入白名单");
  await expect(first.locator(".status")).toContainText("白名单");
  await page.locator(".toast").getByRole("button", { name: "撤销" }).click();
  await expect(first.getByRole("switch")).toHaveAttribute("aria-checked", "false");

  // Search, and what was found is in the address.
  await page.locator("input[type=search]").fill("missing 3");
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await expect(page).toHaveURL(/q=missing/);
  await page.locator("input[type=search]").fill("");
  await expect(page.locator("tbody tr")).toHaveCount(11);

  // Two are deleted, and brought back.
  for (const name of ["missing 1", "missing 2"]) await page.locator(row(name)).getByRole("checkbox").check();
  await page.locator("#bulk").getByRole("button", { name: "删除" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(9);
  await page.locator(".toast").getByRole("button", { name: "撤销" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(11);

  // A friend links back now: a re-check brings it back.
  await page.goto(`${server.url}/links`);
  await alive(page);
  await page.getByRole("link", { name: "添加友链" }).click();
  const dialog = page.locator("#dialog");
  await dialog.locator("input[name=url]").fill(at("good#again"));
  await dialog.getByRole("button", { name: "保存" }).click();
  await expect(dialog.getByRole("alert")).toContainText("已在友链中");
  await expect(dialog.locator("input[name=url]")).toHaveValue(at("good#again"));
  await dialog.locator("input[name=url]").fill(`http://localhost:${port}/good`);
  await dialog.locator("input[name=name]").fill("fresh");
  await dialog.getByRole("button", { name: "保存" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.locator(row("fresh"))).toContainText("尚未检查");
  await page.locator(row("good")).getByRole("button", { name: "重新检查" }).click();
  await expect(page.locator(row("good")).locator(".when")).toContainText("刚刚");

  // What the check saw.
  await page.locator(row("good")).locator(".name").click();
  await expect(page.getByRole("heading", { name: "good" })).toBeVisible();
  await expect(page.locator("main")).toContainText(`https://me.example.com/ ← ${at("good")}`);

  // The way out, and back in with the wrong password first.
  await page.locator(".menu summary").click();
  await page.getByRole("button", { name: "退出登录" }).click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto(`${server.url}/links?status=hidden`);
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.locator("input[name=name]").fill(admin.name);
  await page.locator("input[name=password]").fill("wrong");
  await page.locator("main button.primary").click();
  await expect(page.getByRole("alert")).toContainText("账号或密码不对");
  await page.locator("input[name=password]").fill(admin.password);
  await page.locator("main button.primary").click();
  await expect(page).toHaveURL(`${server.url}/links?status=hidden`);
  friend.close();
});
