import { readdirSync, readFileSync } from "node:fs";
import { alive, expect, row, send, test } from "../support/rollcall";

const pages = ["/", "/links", "/links/1", "/links/1/edit", "/links/new", "/review", "/runs", "/runs/1", "/whitelist", "/import", "/settings", "/audit"];

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("every page shows its data", async ({ demo, page }) => {
      for (const path of pages) {
        const answer = await page.goto(demo.url + path);
        expect(answer?.status(), path).toBe(200);
        await expect(page.locator("main h1, main h2").first(), path).toBeAttached();
        if (javaScriptEnabled) await alive(page);
      }
    });

    test("a link is added, changed and deleted by forms", async ({ demo, page }) => {
      await page.goto(`${demo.url}/links/new`);
      await page.locator("input[name=url]").fill("not an address");
      await page.locator("input[name=note]").fill("kept");
      await page.locator(".sheet button.primary").click();
      await expect(page.locator(".sheet .form-error")).toContainText("不是网址");
      await expect(page.locator("input[name=url]")).toHaveValue("not an address");
      await expect(page.locator("input[name=note]")).toHaveValue("kept");
      await page.locator("input[name=url]").fill("https://new.example/");
      await page.locator("input[name=name]").fill("新朋友");
      await page.locator(".sheet button.primary").click();
      await expect(page.getByRole("heading", { name: "新朋友" })).toBeVisible();
      await expect(page.locator(".toast")).toContainText("已添加");
      await page.getByRole("button", { name: "删除" }).click();
      await expect(page).toHaveURL(`${demo.url}/links`);
      await expect(page.locator(row("新朋友"))).toHaveCount(0);
      await page.locator(".toast").getByRole("button", { name: "撤销" }).click();
      await expect(page.locator(row("新朋友"))).toHaveCount(1);
    });

    test("a whitelist entry is previewed, saved, switched and removed", async ({ demo, page }) => {
      await page.goto(`${demo.url}/whitelist`);
      await page.locator("#entry-pattern").fill("茶馆 404");
      await page.getByRole("button", { name: "预览" }).click();
      await expect(page.locator(".preview")).toContainText("将匹配友链 1");
      await page.locator("main .sheet").getByRole("button", { name: "保存" }).click();
      const entry = page.locator("tr", { hasText: "茶馆 404" });
      await expect(entry).toHaveCount(1);
      await entry.getByRole("switch").click();
      await expect(entry.getByRole("switch")).toHaveAttribute("aria-checked", "false");
      await entry.getByRole("button", { name: "删除" }).click();
      await expect(entry).toHaveCount(0);
      await page.locator(".toast").getByRole("button", { name: "撤销" }).click();
      await expect(entry).toHaveCount(1);
    });

    test("a check is asked for and seen", async ({ demo, page }) => {
      await page.goto(`${demo.url}/links`);
      await send(page, page.locator(row("茶馆 404")).getByRole("button", { name: "重新检查" }));
      await expect(async () => {
        await page.goto(`${demo.url}/links`);
        await expect(page.locator(row("茶馆 404"))).toContainText("已隐藏", { timeout: 500 });
      }).toPass();
      await page.locator(row("茶馆 404")).locator(".name").click();
      await expect(page.locator("main")).toContainText("网页请求返回404");
    });

    test("language and look are chosen, remembered, and there from the first paint", async ({ demo, page }) => {
      await page.goto(demo.url);
      await page.locator(".menu summary").click();
      await page.getByRole("button", { name: "English" }).click();
      await expect(page.locator("html")).toHaveAttribute("lang", "en");
      await expect(page.getByRole("link", { name: "Overview" })).toBeVisible();
      await page.goto(`${demo.url}/settings`);
      await page.locator("main").getByRole("button", { name: "Dark" }).click();
      await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
      await page.goto(`${demo.url}/runs`);
      await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
      await expect(page.getByRole("heading", { name: "Runs" })).toBeVisible();
    });

    test("settings are refused with what to do, and nothing is lost", async ({ demo, page }) => {
      await page.goto(`${demo.url}/settings`);
      await page.locator("#timezone").fill("Mars/Base");
      await page.locator("#retries").fill("3");
      await page.locator(".settings button.primary").click();
      await expect(page.locator(".settings .form-error")).toContainText("没有这个时区");
      await expect(page.locator("#timezone")).toHaveValue("Mars/Base");
      await expect(page.locator("#retries")).toHaveValue("3");
      await page.locator("#timezone").fill("Asia/Shanghai");
      await page.locator(".settings button.primary").click();
      await expect(page.locator(".toast")).toContainText("已保存");
      await page.goto(`${demo.url}/settings`);
      await expect(page.locator("#retries")).toHaveValue("3");
      await expect(page.locator("#schedules")).toContainText("Asia/Shanghai");
    });
  });
}

test("unknown pages and ids have a way home", async ({ demo, page, excused }) => {
  excused.push(/404/);
  for (const path of ["/nowhere", "/links/9999", "/links/abc", "/runs/9999"]) {
    const answer = await page.goto(demo.url + path);
    expect(answer?.status(), path).toBe(404);
    await page.getByRole("link", { name: "回到首页" }).click();
    await expect(page).toHaveURL(`${demo.url}/`);
  }
});

test("the keyboard does it all", async ({ demo, page }) => {
  await page.goto(`${demo.url}/links`);
  await alive(page);
  await page.keyboard.press("?");
  await expect(page.locator("#keys")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator("#keys")).toBeHidden();
  await page.keyboard.press("/");
  await expect(page.locator("input[type=search]")).toBeFocused();
  await page.keyboard.type("茶馆");
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await expect(page.locator("input[type=search]")).toBeFocused();
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await expect(page.locator(row("茶馆 404"))).toBeFocused();
  await page.keyboard.press("x");
  await expect(page.locator(row("茶馆 404")).getByRole("checkbox")).toBeChecked();
  await page.keyboard.press("r");
  await expect(page.locator(row("茶馆 404"))).toContainText("已隐藏");
  await expect(page.locator(row("茶馆 404"))).toBeFocused();
  await page.keyboard.press("w");
  await expect(page.locator(row("茶馆 404")).getByRole("switch")).toHaveAttribute("aria-checked", "true");
});

test("a list for the blog is public, tagged and open to any origin", async ({ server, request }) => {
  const first = await request.get(`${server.url}/links.json`);
  expect(first.headers()["access-control-allow-origin"]).toBe("*");
  expect(await first.json()).toEqual({ groups: [], count: 0 });
  const again = await request.get(`${server.url}/links.json`, { headers: { "if-none-match": first.headers()["etag"] } });
  expect(again.status()).toBe(304);
});

test("nothing but the public is answered without a log-in", async ({ server, request }) => {
  for (const path of ["/", "/links", "/links/1", "/runs", "/whitelist", "/import", "/settings", "/audit", "/audit.csv", "/export/json"]) {
    const answer = await request.get(server.url + path, { maxRedirects: 0 });
    expect([302, 303], path).toContain(answer.status());
    expect(answer.headers()["location"], path).toContain("/login");
  }
  // Every server function there is, by what its file says, but for the public ones.
  const open = ["gate", "set_up", "sign_in", "choose_lang", "choose_theme"];
  const folder = "../src/web/api";
  const sources = readdirSync(folder).map((file) => readFileSync(`${folder}/${file}`, "utf8"));
  const names = sources.flatMap((text) => [...text.matchAll(/endpoint = "(\w+)"/g)].map((found) => found[1]));
  expect(names.length).toBeGreaterThan(30);
  for (const name of names.filter((name) => !open.includes(name))) {
    const headers = { accept: "application/json", "sec-fetch-site": "same-origin" };
    const fields = {
      id: "1", link_id: "1", run_id: "1", at: "1", page: "1", span: "month", decision: "cancel", verdict: "show", token: "x",
      handle: "x", url: "", sites: "", preview: "false", lang: "en", theme: "dark",
    };
    const wanted = [
      { ...fields, set: "1:on", ids: "1", query: "", form: "" },
      { ...fields, "set[retries]": "3", "ids[0]": "1", "query[q]": "", "form[kind]": "" },
    ];
    const said = [];
    for (const form of wanted as Record<string, string>[]) {
      const answer = await request.post(`${server.url}/api/fn/${name}`, { headers, form });
      expect(answer.status(), name).toBeGreaterThanOrEqual(400);
      said.push(await answer.text());
    }
    const file = { name: "x", mimeType: "text/plain", buffer: Buffer.from("x") };
    said.push(await (await request.post(`${server.url}/api/fn/${name}`, { headers, multipart: { file } })).text());
    expect(said.join("\n"), name).toContain("SignIn");
  }
});
