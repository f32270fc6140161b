import { admin, alive, expect, Rollcall, test, Workspace } from "../support/rollcall";

/** Each page at two widths, in both looks and languages, with a ring in it; the first ones empty as well. */
const looks = [360, 1440].flatMap((width) =>
  (["light", "dark"] as const).flatMap((theme) => (["zh-CN", "en-GB"] as const).map((locale) => ({ width, theme, locale }))),
);
const pages = {
  home: "/",
  links: "/links",
  link: "/links/2",
  "link-down": "/links/3",
  "link-new": "/links/new",
  review: "/review?at=2",
  runs: "/runs",
  run: "/runs/15",
  whitelist: "/whitelist",
  import: "/import",
  settings: "/settings",
  audit: "/audit",
};

for (const { width, theme, locale } of looks) {
  test(`pages ${width} ${theme} ${locale}`, async ({ browser }) => {
    const workspace = new Workspace();
    const demo = await Rollcall.start(["demo"]);
    const empty = await Rollcall.start(["serve"], workspace.env);
    const context = await browser.newContext({ locale, colorScheme: theme, viewport: { width, height: width < 500 ? 780 : 900 } });
    const page = await context.newPage();
    const shot = async (name: string) => {
      await alive(page);
      await page.screenshot({ path: `../docs/screenshots/${name}-${width}-${theme}-${locale.slice(0, 2)}.png` });
    };

    await page.goto(demo.url);
    await alive(page);
    await page.locator(".card.run button.primary").click();
    await expect(page.locator(".runbar .count")).toContainText(/1\d \/ 24/);
    await shot("home-running");
    await expect(page.locator(".runbar .now")).toBeHidden();
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(demo.url + path);
      await shot(name);
    }
    await page.goto(await empty.setupUrl());
    await shot("setup");
    workspace.feed(admin.password, "user", "add", admin.name);
    await page.goto(empty.url);
    await shot("login");
    await page.locator("input[name=name]").fill(admin.name);
    await page.locator("input[name=password]").fill(admin.password);
    await page.locator("main button.primary").click();
    await expect(page).toHaveURL(`${empty.url}/`);
    await shot("home-empty");
    await context.close();
    await demo.stop();
    await empty.stop();
    workspace.remove();
  });
}
