//! Bot walls: what tells their answers from a site's own.
//!
//! One row a tell; everything that a row names has to be there. Sources: Cloudflare's and AWS's documents for their
//! headers, the walls' own pages for the rest.

use super::marks;

/// One way to tell a wall.
#[derive(Clone, Copy, Debug)]
pub struct Tell {
    pub wall: &'static str,
    /// The statuses it comes with; empty for any.
    pub statuses: &'static [u16],
    /// A header and what its value holds, ASCII letters of either case; an empty value for any.
    pub header: Option<(&'static str, &'static str)>,
    /// Texts that all stand on the page, ASCII letters of either case.
    pub marks: &'static [&'static str],
}

/// Statuses that sites themselves rarely answer a plain GET with, and walls do.
const REFUSED: &[u16] = &[401, 403, 405, 406, 412, 418, 429, 444, 468, 493, 503, 566, 567];
/// Challenges come as pages too.
const ANY: &[u16] = &[];

const fn head(wall: &'static str, statuses: &'static [u16], name: &'static str, value: &'static str) -> Tell {
    Tell { wall, statuses, header: Some((name, value)), marks: &[] }
}

/// Statuses that nobody else uses.
const fn code(wall: &'static str, statuses: &'static [u16]) -> Tell {
    Tell { wall, statuses, header: None, marks: &[] }
}

const fn page(wall: &'static str, statuses: &'static [u16], marks: &'static [&'static str]) -> Tell {
    Tell { wall, statuses, header: None, marks }
}

const fn both(
    wall: &'static str,
    statuses: &'static [u16],
    (name, value): (&'static str, &'static str),
    marks: &'static [&'static str],
) -> Tell {
    Tell { wall, statuses, header: Some((name, value)), marks }
}

/// The walls, headers first: they are surer and cost no body.
pub const TELLS: &[Tell] = &[
    head("Cloudflare", ANY, "cf-mitigated", "challenge"),
    head("Cloudflare", REFUSED, "cf-mitigated", ""),
    head("Vercel", ANY, "x-vercel-mitigated", "challenge"),
    head("Vercel", REFUSED, "x-vercel-mitigated", ""),
    head("AWS WAF", ANY, "x-amzn-waf-action", "challenge"),
    head("AWS WAF", ANY, "x-amzn-waf-action", "captcha"),
    head("Sucuri", REFUSED, "x-sucuri-block", ""),
    head("DataDome", REFUSED, "x-datadome", ""),
    code("Tencent EdgeOne", &[566, 567]),
    code("SafeLine", &[468]),
    // A page that the site's own script fills has one of these as well, but never _cf_chl_opt.
    page("Cloudflare", ANY, &["_cf_chl_opt"]),
    page("Cloudflare", REFUSED, &["cf-browser-verification"]),
    page("Cloudflare", REFUSED, &["/cdn-cgi/challenge-platform/", "just a moment"]),
    page("Cloudflare", REFUSED, &["attention required! | cloudflare"]),
    page("Cloudflare", REFUSED, &["used cloudflare to restrict access"]),
    both("Cloudflare", REFUSED, ("server", "cloudflare"), &["error code: 10"]),
    both("Cloudflare", REFUSED, ("server", "cloudflare"), &["sorry, you have been blocked"]),
    both("Akamai", REFUSED, ("server", "akamai"), &["access denied"]),
    page("Akamai", REFUSED, &["errors.edgesuite.net"]),
    page("Akamai", ANY, &["sec-if-cpt-container"]),
    page("Akamai", ANY, &["/_sec/cp_challenge/"]),
    page("Sucuri", ANY, &["sucuri_cloudproxy_js"]),
    page("Sucuri", REFUSED, &["sucuri website firewall"]),
    both("Sucuri", REFUSED, ("server", "sucuri/cloudproxy"), &["access denied"]),
    page("DDoS-Guard", ANY, &["check.ddos-guard.net"]),
    page("DDoS-Guard", ANY, &["/.well-known/ddos-guard/"]),
    both("DDoS-Guard", REFUSED, ("server", "ddos-guard"), &["ddos-guard"]),
    page("Tencent EdgeOne", ANY, &["eo_bot_ssid"]),
    page("Tencent EdgeOne", ANY, &["__tst_status", "document.cookie"]),
    page("Tencent EdgeOne", ANY, &["edgeone", "captcha", "teo_"]),
    page("Aliyun", ANY, &["acw_sc__v2"]),
    page("Aliyun", ANY, &["acw_sc__v3"]),
    page("Aliyun", ANY, &["aliyun_waf_aa"]),
    page("Aliyun", ANY, &["/_____tmd_____/punish"]),
    page("Aliyun", REFUSED, &["errors.aliyun.com"]),
    page("Aliyun", REFUSED, &["block_traceid"]),
    both("Baidu Yunjiasu", REFUSED, ("server", "yunjiasu"), &[]),
    page("Baidu Yunjiasu", REFUSED, &["yunjiasu", "captcha"]),
    page("Baidu Yunjiasu", REFUSED, &["百度云加速"]),
    page("SafeLine", ANY, &["safelinechallenge"]),
    page("SafeLine", ANY, &["/.safeline/static/"]),
    page("SafeLine", ANY, &["challenge.rivers.chaitin.cn"]),
    page("SafeLine", REFUSED, &["雷池"]),
    page("SafeLine", REFUSED, &["chaitin"]),
    page("AWS WAF", ANY, &["gokuprops", "awswaf"]),
    page("AWS WAF", ANY, &[".token.awswaf.com"]),
    both("AWS WAF", REFUSED, ("server", "cloudfront"), &["request blocked"]),
    // A load balancer answers 403 by itself only where its WAF blocks: AWS's documents, "Troubleshoot your ALB".
    both("AWS WAF", &[403], ("server", "awselb"), &["403 forbidden"]),
    page("Anubis", ANY, &["/.within.website/x/cmd/anubis/"]),
    page("Anubis", ANY, &["anubis_challenge"]),
    page("Vercel", ANY, &["vercel security checkpoint"]),
    page("Imperva", ANY, &["_incapsula_resource", "incident"]),
    page("Imperva", REFUSED, &["_incapsula_resource"]),
    page("DataDome", REFUSED, &["captcha-delivery.com"]),
    page("PerimeterX", REFUSED, &["px-captcha"]),
    page("Knownsec", REFUSED, &["yunaq.com"]),
    page("Knownsec", REFUSED, &["365cyd"]),
    page("BaoTa", REFUSED, &["宝塔", "防火墙"]),
];

/// What gave a wall away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub wall: &'static str,
    /// The header or the marks, as evidence.
    pub mark: String,
}

/// Whether a page of this status is worth reading for a wall's marks.
pub fn may_be_refusal(status: u16) -> bool {
    REFUSED.contains(&status) || status == 202
}

/// The wall that an answer's headers give away.
pub fn by_headers<'h>(status: u16, header: impl Fn(&str) -> Option<&'h str>) -> Option<Hit> {
    TELLS
        .iter()
        .filter(|tell| tell.marks.is_empty())
        .find_map(|tell| tell.told(status, &header, &marks::Seen::default()))
}

/// The wall that a page gives away. A page of status 200 has to be `sparse`, almost without words and links of its own:
/// a site that writes about walls is none.
pub fn by_page<'h>(
    status: u16,
    header: impl Fn(&str) -> Option<&'h str>,
    seen: &marks::Seen,
    sparse: bool,
) -> Option<Hit> {
    if !sparse && !REFUSED.contains(&status) {
        return None;
    }
    TELLS.iter().filter(|tell| !tell.marks.is_empty()).find_map(|tell| tell.told(status, &header, seen))
}

impl Tell {
    fn told<'h>(&self, status: u16, header: &impl Fn(&str) -> Option<&'h str>, seen: &marks::Seen) -> Option<Hit> {
        let at_status = self.statuses.is_empty() || self.statuses.contains(&status);
        if !at_status || !self.marks.iter().all(|mark| seen.has(mark)) {
            return None;
        }
        let mut mark = self.marks.join(" + ");
        if let Some((name, part)) = self.header {
            let value = header(name)?;
            if !value.to_ascii_lowercase().contains(part) {
                return None;
            }
            let told = format!("{name}: {value}");
            mark = if mark.is_empty() { told } else { format!("{told} + {mark}") };
        }
        if mark.is_empty() {
            mark = format!("HTTP {status}");
        }
        Some(Hit { wall: self.wall, mark })
    }
}
