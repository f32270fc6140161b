import { alive, expect, row, send, test } from "../support/rollcall";

/** How many links the queue holds, from "2 / 14". */
const total = (text: string | null) => Number(text?.split("/")[1]);

async function checkAll(page: import("@playwright/test").Page, url: string) {
  await page.goto(url);
  await send(page, page.getByRole("button", { name: "全部检查" }).first());
  await expect(async () => {
    await page.goto(url);
    await expect(page.locator(".card.run")).toContainText("已检查 23", { timeout: 500 });
  }).toPass();
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("the queue is worked through: fine, hide, whitelist, skip, undo", async ({ demo, page }) => {
      test.slow();
      await checkAll(page, demo.url);
      await page.locator(".tile.unsure").click();
      await expect(page).toHaveURL(`${demo.url}/review`);
      const count = page.locator(".head .count");
      const before = total(await count.textContent());
      expect(before).toBeGreaterThan(10);
      const name = page.locator(".triage .name");

      const first = (await name.textContent())!.trim();
      await page.getByRole("button", { name: "30 天内视为正常" }).click();
      await expect(page.locator(".toast")).toContainText(first);
      await expect(count).toHaveText(`1 / ${before - 1}`);
      await page.locator(".toast").getByRole("button", { name: "撤销" }).click();
      await expect(count).toHaveText(`1 / ${before}`);

      await page.getByRole("link", { name: "跳过" }).click();
      await expect(count).toHaveText(`2 / ${before}`);
      const second = (await name.textContent())!.trim();
      await page.getByRole("button", { name: "加入白名单" }).click();
      await expect(count).toHaveText(`2 / ${before - 1}`);
      const third = (await name.textContent())!.trim();
      await page.getByRole("button", { name: /保持隐藏|手动隐藏/ }).click();
      await expect(count).toHaveText(`2 / ${before - 2}`);

      await page.goto(`${demo.url}/links`);
      await expect(page.locator(row(second))).toContainText("白名单");
      await expect(page.locator(row(third))).toContainText("手动");
      await page.locator(row(third)).getByRole("link", { name: third }).first().click();
      await expect(page.locator("main")).toContainText("已手动隐藏");
    });
  });
}

test("the queue goes by keyboard, and a re-check is seen in place", async ({ demo, page, faults }) => {
  test.slow();
  await checkAll(page, demo.url);
  await page.goto(`${demo.url}/review`);
  await alive(page);
  const count = page.locator(".head .count");
  const before = total(await count.textContent());
  await page.keyboard.press("s");
  await expect(count).toHaveText(`2 / ${before}`);
  await page.keyboard.press("f");
  await expect(count).toHaveText(`2 / ${before - 1}`);
  // Recovers when asked once more, and so leaves the queue by itself.
  const place = page.locator(".triage .name", { hasText: "起死回生" });
  for (let n = 0; n < before && (await place.count()) === 0; n++) {
    const now = await count.textContent();
    await page.keyboard.press("s");
    await expect(count).not.toHaveText(now!);
  }
  await page.keyboard.press("r");
  await expect(place).toHaveCount(0);
  await expect(count).toHaveText(new RegExp(`/ ${before - 2}$`));
  expect(faults).toEqual([]);
});
