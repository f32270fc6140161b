import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { alive, expect, signIn, test } from "../support/rollcall";

/** What would run if it were ever taken for more than text; each says so in `window.ran`. */
const run = "window.ran=1";
const payloads = [
  `<script>${run}</script>`,
  `"><script>${run}</script>`,
  `'><script>${run}</script>`,
  `</script><script>${run}</script>`,
  `</title><script>${run}</script>`,
  `</textarea><script>${run}</script>`,
  `</style><script>${run}</script>`,
  `</template><script>${run}</script>`,
  `</option></select><script>${run}</script>`,
  `<img src=x onerror=${run}>`,
  `"><img src=x onerror=${run}>`,
  `" autofocus onfocus=${run} x="`,
  `' autofocus onfocus=${run} x='`,
  `" onmouseover="${run}`,
  `<svg onload=${run}>`,
  `<svg><script>${run}</script></svg>`,
  `<svg><animate onbegin=${run} attributeName=x dur=1s>`,
  `<math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=${run} src>">`,
  `<iframe srcdoc="<script>parent.${run}</script>">`,
  `<iframe src="javascript:parent.${run}">`,
  `<object data="javascript:${run}">`,
  `<embed src="javascript:${run}">`,
  `<a href="javascript:${run}" autofocus>x</a>`,
  `<body onload=${run}>`,
  `<details open ontoggle=${run}>`,
  `<video><source onerror=${run}>`,
  `<input autofocus onfocus=${run}>`,
  `<marquee onstart=${run}>`,
  `<base href="https://evil.test/">`,
  `<link rel=stylesheet href="https://evil.test/x.css">`,
  `<meta http-equiv=refresh content="0;url=https://evil.test/">`,
  `<form action="https://evil.test/"><button autofocus>`,
  `<!--><script>${run}</script>-->`,
  `<![CDATA[<script>${run}</script>]]>`,
  `{{constructor.constructor('${run}')()}}`,
  "${" + run + "}",
  `\\u003cscript\\u003e${run}\\u003c/script\\u003e`,
  `&lt;script&gt;${run}&lt;/script&gt;`,
  `<scr\u0000ipt>${run}</scr\u0000ipt>`,
  `\u202e<ſcript>${run}</ſcript>\u2028${run}`,
];

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("40 payloads in every field run on no page", async ({ workspace, server, page, excused }) => {
      test.slow();
      expect(payloads).toHaveLength(40);
      // Pictures of friends whose hosts there are none of.
      excused.push(/404/, /net::ERR_NAME_NOT_RESOLVED/);
      let asked = 0;
      // Friends whose titles, headers and pages are hostile as well.
      const friend = createServer((request, response) => {
        const payload = payloads[asked++ % payloads.length];
        const header = encodeURI(payload);
        response.writeHead(200, { "content-type": "text/html; charset=utf-8", server: header, "retry-after": header });
        response.end(`<title>${payload.replaceAll("</title>", "&lt;/title>")}</title><p>${payload}</p><a href="https://me.example/${header}">me</a>`);
      }).listen(0, "127.0.0.1");
      await new Promise((ready) => friend.once("listening", ready));
      const { port } = friend.address() as { port: number };
      const links = payloads.map((text, n) => ({
        name: `${n} ${text}`, url: `http://127.0.0.1:${port}/${n}?q=${encodeURIComponent(text)}`, group: text, logo: text,
        description: text, feed: `javascript:${run}`, backlink_page: "", email: text, note: text,
      }));
      const list = join(workspace.folder, "links.json");
      writeFileSync(list, JSON.stringify(links));
      workspace.run("import", list);
      workspace.run("setting", "set", "my_sites", "https://me.example/");
      workspace.run("setting", "set", "avatars", "on");
      workspace.run("setting", "set", "my_site_patterns", payloads.slice(0, 9).map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("\n"));
      // A command line takes no NUL.
      const given = payloads.map((text) => text.replaceAll("\u0000", ""));
      for (const text of given) workspace.run("whitelist", "add", `w ${text}`, "--kind", "name", "--note", text);
      workspace.run("schedule", "set", "--add", "--scope", `group:${payloads[1]}`, "0 1 1 1 *");
      await workspace.runBeside("check");
      expect(asked).toBeGreaterThanOrEqual(payloads.length);
      await signIn(page, server.url);

      const ids = [...payloads.keys()].map((n) => n + 1);
      const query = encodeURIComponent(payloads[1]);
      const paths = [
        "/", "/links?size=100", `/links?q=${query}&group=${query}&sort=${query}&status=${query}`, "/runs", "/runs/1",
        `/runs/1?outcome=${query}&q=${query}`, "/review", "/whitelist", `/whitelist?pattern=${query}&note=${query}&preview=1`,
        "/import", "/settings", `/settings?url=${query}&sites=${query}`, "/audit", `/nowhere/${query}`,
        // The server draws the same page either way; what scripts make of it is looked at for all.
        ...ids.filter((id) => javaScriptEnabled || id % 8 === 1).map((id) => `/links/${id}`),
        ...ids.filter((id) => id % 8 === 1).map((id) => `/links/${id}/edit`),
      ];
      for (const path of paths) {
        await page.goto(server.url + path);
        expect(page.url(), path).toContain(server.url);
        // The text itself is there to be read, and nothing was made of it.
        const made = page.locator("main :is(script, iframe, object, embed, svg script, base, meta, marquee, video, math)");
        await expect(made, path).toHaveCount(0);
        const odd = page.locator("main :is([onerror], [onload], [onfocus], [onmouseover], [ontoggle], [href^='javascript:' i], [src^='javascript:' i])");
        await expect(odd, path).toHaveCount(0);
        if (javaScriptEnabled) {
          await alive(page);
          expect(await page.evaluate("window.ran"), path).toBeUndefined();
        }
      }
      // Outgoing links give nothing away and follow nowhere.
      await page.goto(`${server.url}/links/1`);
      for (const link of await page.locator('main a[href^="http"]').all()) {
        const rel = await link.getAttribute("rel");
        for (const word of ["noopener", "noreferrer", "nofollow"]) expect(rel).toContain(word);
      }
      // What was typed and refused is shown again, as text.
      await page.goto(`${server.url}/links/new`);
      await page.locator("#link-name, input[name=name]").first().fill(payloads[5]);
      await page.locator("input[name=url]").first().fill(payloads[1]);
      await page.locator("main form button.primary").first().click();
      await expect(page.locator(".form-error")).toBeVisible();
      await expect(page.locator("input[name=name]").first()).toHaveValue(payloads[5]);
      await expect(page.locator("main script")).toHaveCount(0);
      friend.close();
    });
  });
}
