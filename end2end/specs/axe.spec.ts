import AxeBuilder from "@axe-core/playwright";
import { alive, expect, test } from "../support/rollcall";

const pages = ["/", "/links", "/links/new", "/links/1", "/review", "/runs", "/runs/15", "/whitelist", "/import", "/settings", "/audit", "/nowhere"];

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, bypassCSP: true });

    test("axe finds nothing serious on any page", async ({ demo, page, excused }) => {
      test.slow();
      excused.push(/404/);
      await page.goto(demo.url);
      await alive(page);
      await page.getByRole("button", { name: "全部检查" }).click();
      await expect(page.locator(".card.run")).toContainText("已检查 23", { timeout: 20_000 });
      for (const path of pages) {
        await page.goto(demo.url + path);
        await alive(page);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        const told = serious.map(({ id, nodes }) => `${path}: ${id}: ${nodes.map((node) => node.html).join("\n")}`);
        expect(told).toEqual([]);
      }
    });
  });
}

test("axe finds nothing serious at the door", async ({ workspace, start, browser }) => {
  const server = await start(["serve"], workspace.env);
  const context = await browser.newContext({ bypassCSP: true, locale: "en-GB" });
  const page = await context.newPage();
  await page.goto(await server.setupUrl());
  await alive(page);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
  await context.close();
});
