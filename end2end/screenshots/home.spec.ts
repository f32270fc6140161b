import { alive, expect, Rollcall, test } from "../support/rollcall";

const looks = [360, 1440].flatMap((width) =>
  (["light", "dark"] as const).flatMap((theme) => (["zh-CN", "en-GB"] as const).map((locale) => ({ width, theme, locale }))),
);

for (const { width, theme, locale } of looks) {
  test(`home ${width} ${theme} ${locale}`, async ({ browser, workspace }) => {
    const demo = await Rollcall.start(["demo"]);
    const empty = await Rollcall.start(["serve"], workspace.env);
    const context = await browser.newContext({ locale, colorScheme: theme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    const shot = (name: string) =>
      page.screenshot({ path: `../docs/screenshots/home-${name}-${width}-${theme}-${locale.slice(0, 2)}.png`, fullPage: name === "full" });

    await page.goto(empty.url);
    await alive(page);
    await shot("empty");
    await page.goto(demo.url);
    await alive(page);
    await page.locator(".acts button").click();
    await expect(page.locator(".now .count").first()).toContainText(/1\d \/ 24/);
    await shot("running");
    await expect(page.locator(".outcome")).toBeVisible();
    await shot("full");
    await context.close();
    await demo.stop();
    await empty.stop();
  });
}
